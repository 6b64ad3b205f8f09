/**
 * I9, nothing waits in vain: no claimable task is eligible for an offer with a free place, where nothing more is owed. Worked
 * out from documents alone, pair by pair: a check that shared the rules of the system would share their faults.
 */
import { isClaimed, type Member, type Pool, type Task } from '../../../src/protocol/documents.ts';
import { type Entity, isTask } from '../../../src/protocol/entities.ts';
import type { Offer } from '../../../src/protocol/offers.ts';
import { DEFAULT_SETTINGS } from '../../../src/protocol/settings.ts';

/** A pool as it stands, without what is void. */
export interface Standing {
  readonly doc: Pool;
  readonly members: readonly Member[];
  readonly tasks: readonly Task[];
  readonly offers: readonly Offer[];
  readonly settings: { readonly agentClaims: number; readonly poolClaims: number };
  /** Log time of the last message. */
  readonly now: number;
}

export interface Pair {
  readonly pool: string;
  readonly taskId: string;
  readonly agent: string;
  readonly offerId: string;
}

/** A shard as it is stored. */
export interface StoredShard {
  readonly now: number;
  readonly settings: Standing['settings'] | undefined;
  /** By pool, what owes something still. */
  readonly turns: ReadonlyMap<string, unknown>;
  readonly pools: readonly (Pick<Standing, 'doc' | 'members' | 'offers'> & {
    readonly entities: readonly Entity[];
  })[];
}

/** What waits in vain in any pool of the shard that owes nothing. */
export function waitingInShard({ pools, turns, now, settings = DEFAULT_SETTINGS }: StoredShard): Pair[] {
  return pools
    .filter(({ doc }) => !turns.has(doc.pool))
    .flatMap((pool) =>
      waitingInVain({ ...pool, tasks: pool.entities.filter((entity) => isTask(entity)), settings, now }),
    );
}

export function waitingInVain(standing: Standing): Pair[] {
  const { doc, tasks, offers, members, settings, now } = standing;
  const claims = tasks.filter((task) => isClaimed(task));
  const unstarted = claims.filter(({ claim }) => claim.unstarted === true).length;
  const bound = (name: 'poolClaims' | 'agentClaims'): number =>
    Math.min(settings[name], doc.quotas?.[name] ?? Number.POSITIVE_INFINITY);
  if (doc.state === 'closed' || doc.pausedAt !== undefined) return [];
  if (unstarted >= (doc.maxUnstarted ?? 4_096) || claims.length >= bound('poolClaims')) return [];
  const most = Math.min(doc.maxClaimsPerAgent ?? 1_000, bound('agentClaims'));
  const open = tasks.filter((task) => mayBeHandedOver(task, now));
  return offers.flatMap((offer) => {
    const { agent, offerId } = offer;
    const held = claims.filter(({ claim }) => claim.agent === agent).length;
    const member = members.find((each) => each.agent === agent);
    if (held >= Math.min(offer.places, most) || !stands(offer, member, doc, now)) return [];
    const can = new Set(member?.capabilities);
    return open
      .filter((task) => fits(offer, can, task))
      .map(({ taskId }) => ({ pool: doc.pool, taskId, agent, offerId }));
  });
}

function mayBeHandedOver(task: Task, now: number): boolean {
  const isOpen = task.state === 'pending' && task.auction === undefined && task.handOver !== false;
  return isOpen && (task.deadline ?? Number.POSITIVE_INFINITY) > now;
}

function stands(offer: Offer, member: Member | undefined, { pool, banned }: Pool, now: number): boolean {
  if (offer.resting === true || banned?.includes(offer.agent) === true) return false;
  if (offer.until <= now || offer.heardAt + offer.presenceMs <= now) return false;
  if (member === undefined) return pool === 'commons';
  return member.presenceMs === undefined || (member.lastSeenAt ?? 0) + member.presenceMs > now;
}

function fits({ passed, topics }: Offer, can: ReadonlySet<string>, task: Task): boolean {
  if (passed?.includes(task.taskId) === true) return false;
  if (topics !== undefined && !topics.some((topic) => topic === task.topic)) return false;
  return task.requiredCapabilities.every((names) => names.some((name) => can.has(name)));
}
