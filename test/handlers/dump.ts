/** Everything a world knows, as plain data with one order: two worlds are the same when their dumps are. */

import type { Due } from '../../src/handlers/world/due.ts';
import type { PoolState } from '../../src/handlers/world/pool-state.ts';
import type { World } from '../../src/handlers/world/world.ts';
import { claimClass, isClaimed, type PendingTask } from '../../src/protocol/documents.ts';
import { type Entity, entityRef, refOf } from '../../src/protocol/entities.ts';

export interface PoolDump {
  readonly doc: unknown;
  readonly sequence: number;
  readonly retained: unknown;
  readonly live: unknown;
  readonly claims: number;
  /** What fences void and has not been told: the first of it, and how much. */
  readonly void: unknown;
  readonly usage: unknown;
  readonly members: readonly unknown[];
  readonly unsettled: readonly string[];
  /** Claims by agent, in the order that leaving gives them back. */
  readonly held: Readonly<Record<string, readonly string[]>>;
  /** The first of those who wait for each task. */
  readonly dependents: Readonly<Record<string, string | undefined>>;
  /** Task ids in claiming order, for a member that can do everything. */
  readonly pending: readonly string[];
  readonly classes: readonly string[];
  readonly unstarted: number;
  readonly offers: unknown;
  readonly due: readonly Due[];
  /** All that are in memory, the ended ones too. */
  readonly entities: readonly unknown[];
  /** By task the auction that gives it away, and which auction has to be told first what became of its task. */
  readonly auctions: unknown;
  readonly votes: { readonly open: number; readonly seats: number };
  /** Live ones in the order of granting, each with what a search for chains finds from it. */
  readonly delegations: readonly unknown[];
}

export interface Dump {
  readonly settings: unknown;
  readonly outcomes: unknown;
  readonly nextDue: number | undefined;
  readonly usage: unknown;
  readonly bans: unknown;
  readonly buckets: unknown;
  readonly owing: unknown;
  readonly fences: unknown;
  /** The first pool by name in which something void of each agent has not been told. */
  readonly untold: unknown;
  readonly pools: Readonly<Record<string, PoolDump>>;
}

export function dump(world: World): Dump {
  const pools: Record<string, PoolDump> = {};
  for (const name of [...world.pools.keys()].sort()) {
    const state = world.pool(name);
    if (state !== undefined) pools[name] = dumpPool(state);
  }
  return structuredClone({
    settings: world.settings,
    outcomes: world.outcomes,
    nextDue: world.nextDue(),
    usage: { bytes: world.usage.bytes.all(), pools: world.usage.pools.all() },
    bans: [...world.bans].sort(([a], [b]) => compare(a, b)),
    buckets: world.buckets.all(),
    owing: world.owing,
    fences: world.marks.all(),
    untold: world.marks.all().map(([key]) => [key, world.nextUntold(key.slice(key.indexOf('/') + 1))]),
    pools,
  });
}

/** The same without what any decision changes: also a rejected one is a sign of life, and counts against a rate. */
export function dumpWithoutPresence(world: World): unknown {
  const { nextDue: _, buckets: _buckets, pools, ...rest } = dump(world);
  const silent = Object.entries(pools).map(([name, pool]) => [
    name,
    {
      ...pool,
      members: [...(world.pool(name)?.members.values() ?? [])]
        .map(({ lastSeenAt: _seen, ...member }) => member)
        .sort((a, b) => compare(a.agent, b.agent)),
      offers: [...(world.pool(name)?.offers.all() ?? [])]
        .map(({ heardAt: _heard, ...offer }) => offer)
        .sort((a, b) => a.order - b.order),
      due: pool.due.filter(({ what }) => what !== 'member' && what !== 'offer'),
    },
  ]);
  return { ...rest, pools: Object.fromEntries(silent) };
}

function dumpPool(state: PoolState): PoolDump {
  const tasks = [...state.entities.task.values()].sort((a, b) => compare(a.taskId, b.taskId));
  const agents = new Set(state.members.keys());
  const awaited = new Set(state.entities.task.keys());
  for (const task of tasks) {
    agents.add(task.submitter);
    if (isClaimed(task)) agents.add(task.claim.agent);
    if (task.state === 'blocked') for (const id of task.waitingFor) awaited.add(id);
  }
  return {
    doc: state.doc,
    sequence: state.sequence,
    retained: state.retained,
    live: state.live,
    claims: state.claims,
    void: { first: state.void.first(), size: state.void.size, members: state.void.members },
    usage: dumpUsage(state),
    members: [...state.members.values()].sort((a, b) => compare(a.agent, b.agent)),
    unsettled: state.dependents.unsettled.first(Number.POSITIVE_INFINITY).map(({ taskId }) => taskId),
    held: Object.fromEntries(
      [...agents].sort().map((agent) => [agent, state.heldBy(agent).map(({ taskId }) => taskId)]),
    ),
    dependents: Object.fromEntries(
      [...awaited].sort().map((id) => [id, state.dependents.firstOf(id)?.taskId]),
    ),
    pending: claimingOrder(state).map(({ taskId }) => taskId),
    classes: [...new Set(tasks.map(claimClass))].filter((key) => state.pending.hasClass(key)).sort(),
    unstarted: state.unstarted,
    offers: {
      all: state.offers.keys().map((key) => state.offers.byKey(key)),
      classes: state.offers.classes.size,
      bytes: state.offers.bytes,
      isBlocked: state.offers.isBlocked,
      failing: state.offers.firstFailing?.agent,
    },
    due: state.due.first(Number.POSITIVE_INFINITY),
    ...together(state),
  };
}

function together(state: PoolState): Pick<PoolDump, 'entities' | 'auctions' | 'votes' | 'delegations'> {
  const { entities, auctions, votes, delegations } = state;
  const all = Object.values(entities).flatMap((map): Entity[] => [...map.values()]);
  const taskIds = [...new Set([...entities.auction.values()].map(({ taskId }) => taskId))].sort();
  return {
    entities: all.sort((a, b) => compare(nameOf(a), nameOf(b))),
    auctions: {
      live: auctions.size,
      byTask: taskIds.flatMap((id) => (id === undefined ? [] : [[id, auctions.ofTask(id)?.id]])),
      untold: auctions.firstUntold()?.id,
    },
    votes: { open: votes.size, seats: votes.seats },
    delegations: delegations.first(Number.POSITIVE_INFINITY).map((link) => ({
      link,
      onwards: delegations.directly(link.delegatorId, link.delegateeId),
      between: delegations.between(link.delegatorId, link.delegateeId, (_, agent) =>
        state.members.has(agent),
      ),
      children: delegations
        .childrenOf(link.delegationId)
        .map(({ id }) => id)
        .sort(),
      downstream: delegations.passedOnFrom(link.delegationId),
    })),
  };
}

/** Sums of nobody are not kept, so that what was used and is not any more leaves nothing behind. */
function dumpUsage({ usage }: PoolState): unknown {
  return structuredClone({
    bytes: usage.bytes.all(),
    open: Object.entries(usage.open).map(([kind, sums]) => [kind, sums.all()]),
  });
}

/** What the queue itself holds, not what the documents say: asked with every capability that any task names. */
function claimingOrder(state: PoolState): PendingTask[] {
  const everything = new Set(
    [...state.entities.task.values()].flatMap((task) => task.requiredCapabilities.flat()),
  );
  return state.pending.best(Number.POSITIVE_INFINITY, everything, undefined, () => true);
}

function nameOf(entity: Entity): string {
  const { kind, id } = refOf(entity);
  return entityRef(kind, id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
