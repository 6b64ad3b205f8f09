/** Guards of quotas on what there is at one moment: what one agent, and all together, have in a pool. */
import { MAX_CLAIMS_AT_ONCE, MAX_CLAIMS_PER_AGENT, MAX_POOL_CLAIMS } from '../../protocol/limits.ts';
import type { CountQuota } from '../../protocol/quotas.ts';
import { type Rejected, rateLimited } from '../kernel/decided.ts';
import type { Context } from '../kernel/handler.ts';
import { claimIsLive } from '../tasks/lapse.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { World } from '../world/world.ts';
import { claimsThatAreOver, type OpenedKind, openedThatAreOver } from './over.ts';

type Claimant = Pick<Context, 'self' | 'now'>;
type Counted = Exclude<CountQuota, 'agentBytes' | 'poolBytes'>;

/** The system's quota, or the pool's own where that is smaller. */
export function quotaOf({ settings }: World, { doc }: PoolState, name: Counted): number {
  const own = doc.quotas?.[name];
  return own === undefined ? settings[name] : Math.min(own, settings[name]);
}

const OPEN = {
  auction: { ofAgent: 'agentAuctions', ofPool: 'poolAuctions', what: 'open auctions' },
  vote: { ofAgent: 'agentVotes', ofPool: 'poolVotes', what: 'open votes' },
  negotiation: { ofAgent: 'agentSessions', ofPool: 'poolSessions', what: 'open sessions' },
} as const satisfies Record<OpenedKind, object>;

/** One more of a kind would be too many. What is over by now does not count, swept or not. */
export function tooManyOpen(
  world: World,
  state: PoolState,
  kind: OpenedKind,
  { self, now }: Claimant,
): Rejected | undefined {
  const { ofAgent, ofPool, what } = OPEN[kind];
  const open = state.usage.open[kind];
  const counted = (counts: number, limit: number, agent?: string): number =>
    counts < limit ? counts : counts - openedThatAreOver(state, kind, { agent, now }, counts - limit + 1);
  const [mine, all] = [quotaOf(world, state, ofAgent), quotaOf(world, state, ofPool)];
  return (
    full(counted(open.of(self), mine, self), mine, ofAgent, `${self} has`, what, state) ??
    full(counted(open.total, all), all, ofPool, 'all agents together have', what, state)
  );
}

/**
 * How many more claims the quotas of an agent and of the pool leave. Claims that are over by now do not count, swept or
 * not; they are looked at only where they could make a difference.
 */
export function claimsInQuota(world: World, state: PoolState, { self, now }: Claimant): number {
  const ofAgent = quotaOf(world, state, 'agentClaims');
  const ofPool = quotaOf(world, state, 'poolClaims');
  let left = MAX_CLAIMS_PER_AGENT;
  // The bound that holds for everyone is the claim limit's to say.
  if (ofAgent < MAX_CLAIMS_PER_AGENT) {
    left = ofAgent - state.heldCount(self);
    if (left < MAX_CLAIMS_AT_ONCE) left = ofAgent - liveClaims(state, self, now);
  }
  if (ofPool >= MAX_POOL_CLAIMS) return left;
  const room = ofPool - state.claims;
  if (room >= MAX_CLAIMS_AT_ONCE) return Math.min(left, room);
  return Math.min(left, room + claimsThatAreOver(state, now, MAX_CLAIMS_AT_ONCE - room));
}

/** The quota of the agent, where that leaves nothing; else that of the pool. */
export function tooManyClaims(world: World, state: PoolState, { self, now }: Claimant): Rejected {
  const { pool } = state.doc;
  const limit = quotaOf(world, state, 'agentClaims');
  const used = liveClaims(state, self, now);
  if (limit < MAX_CLAIMS_PER_AGENT && used >= limit) {
    const met = { quota: 'agentClaims', limit, used };
    return rateLimited(`${self} holds ${used} claims in pool ${pool}; the quota is ${limit}`, met);
  }
  const most = quotaOf(world, state, 'poolClaims');
  const over = claimsThatAreOver(state, now, state.claims - most + 1);
  const ofAll = { quota: 'poolClaims', limit: most, used: state.claims - over };
  return rateLimited(
    `all agents together hold ${ofAll.used} claims in pool ${pool}; the quota is ${ofAll.limit}`,
    ofAll,
  );
}

function liveClaims(state: PoolState, agent: string, now: number): number {
  return state.heldBy(agent).filter((task) => claimIsLive(state, task, now)).length;
}

function full(
  used: number,
  limit: number,
  quota: Counted,
  who: string,
  what: string,
  { doc }: PoolState,
): Rejected | undefined {
  if (used < limit) return undefined;
  const met = { quota, limit, used };
  return rateLimited(`${who} ${used} ${what} in pool ${doc.pool}; the quota is ${limit}`, met);
}
