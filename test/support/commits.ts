/** Commits written by hand, for tests of the store. */
import type { PendingTask, Pool, Task } from '../../src/protocol/documents.ts';
import type { Offer } from '../../src/protocol/offers.ts';
import { DEFAULT_SETTINGS } from '../../src/protocol/settings.ts';
import { outcomeBytes } from '../../src/state/keys.ts';
import type { ShardCommit, StoredPosition } from '../../src/state/shard-store.ts';

export const LOG = '2026-01-01T00:00:00Z';
export const BEGINNING: StoredPosition = { seq: 0, hash: undefined, logIdentity: LOG };

let ids = 0;

/** A commit from one position to the next message, with nothing in it but what is said. */
export function commitFrom(expected: StoredPosition, fields: Partial<ShardCommit> = {}): ShardCommit {
  const seq = expected.seq + 1;
  return {
    id: `commit-${ids++}`,
    expected: { ...expected, logIdentity: expected.logIdentity ?? LOG },
    next: {
      seq,
      hash: `hash-${seq}`,
      logIdentity: expected.logIdentity ?? LOG,
      now: seq * 1_000,
      clock: undefined,
    },
    settings: DEFAULT_SETTINGS,
    nextDue: undefined,
    bytes: 0,
    changes: [],
    sequences: new Map(),
    classes: new Map(),
    bans: new Map(),
    buckets: new Map(),
    turns: new Map(),
    fences: new Map(),
    outcomes: [],
    outcomeBytes: (fields.outcomes ?? []).reduce((sum, { key, json }) => sum + outcomeBytes(key, json), 0),
    endedBytes: 0,
    forgotten: [],
    outbox: undefined,
    published: [],
    ...fields,
  };
}

export function positionAfter({ next: { seq, hash, logIdentity } }: ShardCommit): StoredPosition {
  return { seq, hash, logIdentity };
}

export function poolDoc(pool: string, fields: Partial<Pool> = {}): Pool {
  return {
    pool,
    owner: 'owner',
    state: 'open',
    topics: [],
    admission: { kind: 'open' },
    submitters: 'anyone',
    defaults: {},
    createdAt: 1,
    origin: { agent: 'owner', decisionId: `create-${pool}` },
    ...fields,
  };
}

export const OFFER: Offer = {
  pool: 'p',
  agent: 'bob',
  offerId: 'main',
  offer: 'd-9',
  places: 2,
  until: 99,
  presenceMs: 30,
  madeAt: 5,
  order: 9,
  turn: 3,
  heardAt: 6,
  passed: ['t-1'],
};

const COMMON = {
  objective: 'do it',
  requiredCapabilities: [],
  priority: 0,
  dependsOn: [],
  constraints: { claimTtlMs: 1_000, maxAttempts: 3, backoffMs: 0, maxExpiries: 5, maxUnstarted: 10 },
  submitter: 'owner',
  submittedAt: 1,
  epoch: 0,
  failures: 0,
  expiries: 0,
} as const;

export function pendingTask(
  pool: string,
  taskId: string,
  order = 1,
  decisionId = `submit-${taskId}`,
): PendingTask {
  return { ...COMMON, pool, taskId, order, origin: { agent: 'owner', decisionId }, state: 'pending' };
}

export function completedTask(pool: string, taskId: string, order = 1, finishedAt = 5): Task {
  const origin = { agent: 'owner', decisionId: `submit-${taskId}` };
  return {
    ...COMMON,
    pool,
    taskId,
    order,
    origin,
    state: 'completed',
    finishedAt,
    finishedBy: 'ann',
    result: 1,
  };
}
