/**
 * The one place that knows Redis keys. Every key of a shard carries the hash tag `{<shard>}`, which keeps them in one
 * slot of a Redis Cluster: the commit script touches many of them at once.
 *
 * Keys that are a function of the log are under `<ns>:{<shard>}:s:` and must be the same after every replay; keys of
 * the running system (lease, outbox, commit id) are under `<ns>:{<shard>}:r:`.
 */
import { createHash } from 'node:crypto';
import {
  type EntityKind,
  type EntityRef,
  entityRef,
  type Group,
  KINDS,
  parseEntityRef,
} from '../protocol/entities.ts';

export interface ShardKeys {
  /** Hash: seq, hash, log, now, settings, due; and clock, which is no part of the state (the digest leaves it out). */
  readonly meta: string;
  /** Hash: pool → document. */
  readonly pools: string;
  /** Hash: pool → number of its latest event. */
  readonly sequences: string;
  /** Hash: `pool.agent.decisionId` → outcome; and the same keys as a list, oldest first, each as `at|bytes|key`. */
  readonly outcomes: string;
  readonly outcomeOrder: string;
  /** Hash: `pool.agent.decisionId` → outcome of a decision that created something, and how much of it is still kept. */
  readonly receipts: string;
  readonly receiptCounts: string;
  /** Sorted set of pool names, for paging. */
  readonly poolNames: string;
  /** Hash: agent → document. */
  members(pool: string): string;
  /** Sorted set of agents, for paging. */
  memberNames(pool: string): string;
  /** Hash: agent and name of its offer → document of a standing offer. */
  offers(pool: string): string;
  /** Sorted set of the same keys, for paging. */
  offerNames(pool: string): string;
  /** Sorted set: pools of this shard that an agent has joined. */
  poolsOf(agent: string): string;
  /** Hash: id → document of an entity. */
  entities(pool: string, kind: EntityKind): string;
  /** Sorted set: those in a state, by order of opening. */
  entitiesIn(pool: string, kind: EntityKind, state: string): string;
  /**
   * Sorted set: those in a state that are of an agent, by order of opening. A task is of its holder, or of who held it when it
   * ended; a delegation of its parties.
   */
  entitiesOf(pool: string, kind: 'task' | 'delegation', agent: string, state: string): string;
  /** Sorted set: those that have ended, as {@link endedMember}, by the time they ended. */
  ended(pool: string, group: Group): string;
  /** Hash: class hash → claim class, for each class with pending tasks. */
  pendingClasses(pool: string): string;
  /** Sorted set: pending tasks of one claim class in claiming order, members as {@link pendingMember}. */
  pending(pool: string, classHash: string): string;
  /** Sorted set: those that have not ended, tasks apart, as `<kind>/<id>`, by order of opening. */
  liveEntities(pool: string): string;
  /** Sorted set: live delegations that let this agent act, by order of granting. Those to all members are not among them. */
  delegatedTo(pool: string, agent: string): string;
  /** Hash: agent → ban from the whole system. */
  readonly bans: string;
  /** Hash: bucket of a rate → when it is full again, microseconds. */
  readonly buckets: string;
  /** Hash: pool that owes consequences → its turn. */
  readonly turns: string;
  /** Hash: pool and agent, or `*` and agent for all pools → fences that void something. */
  readonly fences: string;
  /** Their keys, sorted: those of one pool stand together. */
  readonly fenceKeys: string;
  /** Everything that is a function of the log, as a pattern. */
  readonly statePattern: string;

  readonly lease: string;
  /** Hash: who took the shard and may have been ended by it; and there while nobody tries it again. */
  readonly taken: string;
  readonly trialPause: string;
  readonly commit: string;
  /** Hash: log position of a batch → its results and events that are not confirmed as published. */
  readonly outbox: string;
  /** Why the shard was halted. */
  readonly halted: string;
}

export function shardKeys(namespace: string, shard: number): ShardKeys {
  const state = `${namespace}:{${shard}}:s:`;
  const running = `${namespace}:{${shard}}:r:`;
  const tasks = remembered((pool) => `${state}tasks:${pool}`);
  const tasksIn = rememberedPairs((pool, taskState) => `${state}tasks-in:${pool}:${taskState}`);
  const tasksOf = rememberedOfState(
    (pool, agent, taskState) => `${state}tasks-of:${pool}:${agent}:${taskState}`,
  );
  const endedTasks = remembered((pool) => `${state}finals:${pool}`);
  return {
    meta: `${state}meta`,
    pools: `${state}pools`,
    sequences: `${state}sequences`,
    outcomes: `${state}outcomes`,
    outcomeOrder: `${state}outcome-order`,
    receipts: `${state}receipts`,
    receiptCounts: `${state}receipt-counts`,
    poolNames: `${state}pool-names`,
    members: (pool) => `${state}members:${pool}`,
    memberNames: (pool) => `${state}member-names:${pool}`,
    offers: remembered((pool) => `${state}offers:${pool}`),
    offerNames: remembered((pool) => `${state}offer-names:${pool}`),
    poolsOf: (agent) => `${state}pools-of:${agent}`,
    entities: (pool, kind) => (kind === 'task' ? tasks(pool) : `${state}entities:${pool}:${kind}`),
    entitiesIn: (pool, kind, entityState) =>
      kind === 'task' ? tasksIn(pool, entityState) : `${state}entities-in:${pool}:${kind}:${entityState}`,
    entitiesOf: (pool, kind, agent, entityState) =>
      kind === 'task'
        ? tasksOf(pool, agent, entityState)
        : `${state}delegations-of:${pool}:${agent}:${entityState}`,
    ended: (pool, group) => (group === 'tasks' ? endedTasks(pool) : `${state}ended-entities:${pool}`),
    pendingClasses: (pool) => `${state}pending-classes:${pool}`,
    pending: rememberedPairs((pool, classHash) => `${state}pending:${pool}:${classHash}`),
    liveEntities: (pool) => `${state}live-entities:${pool}`,
    delegatedTo: (pool, agent) => `${state}delegated-to:${pool}:${agent}`,
    bans: `${state}bans`,
    buckets: `${state}buckets`,
    turns: `${state}turns`,
    fences: `${state}fences`,
    fenceKeys: `${state}fence-keys`,
    statePattern: `${state.replace(/[[\]*?\\]/g, '\\$&')}*`,
    lease: `${running}lease`,
    taken: `${running}taken`,
    trialPause: `${running}trial-pause`,
    commit: `${running}commit`,
    outbox: `${running}outbox`,
    halted: `${running}halted`,
  };
}

export interface SystemKeys {
  /** The shard that is being tried alone, because it ended its owners. */
  readonly trial: string;
  /** Hash: who holds leases → its newest heartbeat. */
  readonly heartbeats: string;
  /** Hash: worker → its settings. */
  readonly settings: string;
  /** Until when (milliseconds since the epoch) an operator lets the log's clock be ahead. */
  readonly clockAccepted: string;
  /** The newest sweep that succeeded, as JSON. */
  readonly lastSweep: string;
  /** There while nobody needs to trim the log again. */
  readonly trimmed: string;
  /** Prefix of everything that BullMQ keeps. */
  readonly bullPrefix: string;
}

export function systemKeys(namespace: string): SystemKeys {
  return {
    trial: `${namespace}:{system}:trial`,
    heartbeats: `${namespace}:{system}:heartbeats`,
    settings: `${namespace}:{system}:settings`,
    clockAccepted: `${namespace}:{system}:clock-accepted`,
    lastSweep: `${namespace}:{system}:last-sweep`,
    trimmed: `${namespace}:{system}:trimmed`,
    bullPrefix: `{${namespace}:bull}`,
  };
}

/** Pools whose keys are remembered, and agents of each: a few megabytes at most, with room for those in use. */
const POOLS_AT_MOST = 1_000;
const PER_POOL_AT_MOST = 100;

/** The same text for the same name, made once: a new one would have to be hashed again wherever it is looked up. */
function remembered<T>(make: (name: string) => T, most = POOLS_AT_MOST): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const made = known.get(name);
    if (made !== undefined) return made;
    if (known.size >= most) known.clear();
    const now = make(name);
    known.set(name, now);
    return now;
  };
}

function rememberedPairs(make: (first: string, second: string) => string) {
  const ofFirst = remembered((first) => remembered((second) => make(first, second), PER_POOL_AT_MOST));
  return (first: string, second: string): string => ofFirst(first)(second);
}

/** The same for each state that a task can have. */
function rememberedOfState(make: (pool: string, agent: string, state: string) => string) {
  const inState = remembered((state) => rememberedPairs((pool, agent) => make(pool, agent, state)));
  return (pool: string, agent: string, state: string): string => inState(state)(pool, agent);
}

/** A claim class as part of a key: short, however long its requirements are. */
export const classHash = remembered((claimClass) =>
  claimClass === '' ? '-' : createHash('sha256').update(claimClass).digest('base64url').slice(0, 22),
);

/** An entry in the order of outcomes: names have no bar in them. */
export function rememberedEntry(at: number, key: string, json: string): string {
  return `${at}|${outcomeBytes(key, json)}|${key}`;
}

/** Size of a stored outcome: a function of its key and text. */
export function outcomeBytes(key: string, json: string): number {
  return key.length + Buffer.byteLength(json);
}

const ORDER_DIGITS = 16;

/** A pending task where it waits: all that places it among those of other pools, so that no document has to be read. */
export interface PendingMember {
  readonly taskId: string;
  readonly order: number;
  readonly submittedAt: number;
}

/** Members of one score sort as text: padded, the order of submission sorts as it should. */
export function pendingMember({ order, submittedAt, taskId }: PendingMember): string {
  return `${String(order).padStart(ORDER_DIGITS, '0')}:${submittedAt}:${taskId}`;
}

export function parsePendingMember(member: string): PendingMember {
  const colon = member.indexOf(':', ORDER_DIGITS + 1);
  return {
    order: Number(member.slice(0, ORDER_DIGITS)),
    submittedAt: Number(member.slice(ORDER_DIGITS + 1, colon)),
    taskId: member.slice(colon + 1),
  };
}

/** An entity among those of its group that have ended: tasks are alone in theirs. */
export function endedMember({ kind, id }: EntityRef): string {
  return KINDS[kind].group === 'tasks' ? id : entityRef(kind, id);
}

export function parseEndedMember(group: Group, member: string): EntityRef | undefined {
  return group === 'tasks' ? { kind: 'task', id: member } : parseEntityRef(member);
}
