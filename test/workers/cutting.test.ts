/** A batch is cut by what its commit holds. That must change nothing, and must come in time. */
import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { LogMessage } from '../../src/bus/log-message.ts';
import { NOTHING_OLD } from '../../src/handlers/sweep/sweep.ts';
import { World } from '../../src/handlers/world/world.ts';
import { SHARD_POOL, SWEEPER } from '../../src/protocol/names.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { encodeCommit } from '../../src/state/encode-commit.ts';
import { shardKeys } from '../../src/state/keys.ts';
import { measured, type WriteBounds } from '../../src/state/script-writer.ts';
import type { ShardCommit, ShardStore } from '../../src/state/shard-store.ts';
import { Alarms } from '../../src/workers/health/alarms.ts';
import { WorkerMetrics } from '../../src/workers/health/metrics.ts';
import { buildCommit } from '../../src/workers/shard/build-commit.ts';
import { decideBatch, decodeMessages } from '../../src/workers/shard/decide-batch.ts';
import { SYSTEM_CLOCK } from '../../src/workers/shard/ports.ts';
import { ShardWorker } from '../../src/workers/shard/shard-worker.ts';
import { DIRECT_LINK } from '../../verify/sim/memory/link.ts';
import { MemoryShard } from '../../verify/sim/memory/shard.ts';
import { memoryShardStore } from '../../verify/sim/memory/shard-store.ts';
import { type Body, PLACE, START } from '../handlers/message.ts';
import { RUNS, randomLog, randomLogWithoutSweeps } from '../handlers/properties/random-log.ts';
import type { LogEntry } from '../handlers/properties/shard.ts';
import { RecordingPublisher } from '../support/shard.ts';
import { until } from '../support/until.ts';

const SUBJECTS = subjects(PLACE.namespace);
const LOG = 'the log';
const KEYS = shardKeys(PLACE.namespace, PLACE.shard);
const SILENT = pino({ level: 'silent' });
const METRICS = new WorkerMetrics();

function messagesOf(log: readonly LogEntry[]): LogMessage[] {
  return log.map(({ agent, pool, at, body }, i) => ({
    seq: i + 1,
    at,
    subject: SUBJECTS.shardDecision(PLACE.shard, agent, pool),
    data: Buffer.from(JSON.stringify(body)),
  }));
}

interface Applied {
  readonly state: ReadonlyMap<string, string>;
  /** By pool: only the events of one have an order. */
  readonly events: ReadonlyMap<string, readonly string[]>;
  readonly commits: readonly ShardCommit[];
}

async function applyAll(messages: readonly LogMessage[], cut: WriteBounds): Promise<Applied> {
  const shard = new MemoryShard();
  const publisher = new RecordingPublisher();
  const commits: ShardCommit[] = [];
  const kept = memoryShardStore(DIRECT_LINK, shard);
  const store: ShardStore = {
    ...kept,
    async commit(commit) {
      commits.push(commit);
      return await kept.commit(commit);
    },
  };
  let taken = 0;
  const worker = new ShardWorker({
    ...PLACE,
    subjects: SUBJECTS,
    store,
    log: {
      identity: async () => LOG,
      read: async (seq) => messages[seq - 1],
      clocks: async () => [],
      open: async () => ({
        async take(max) {
          const some = messages.slice(taken, taken + max);
          taken += some.length;
          return some.length > 0 ? some : await SYSTEM_CLOCK.sleep(5).then(() => []);
        },
        nudge: () => undefined,
        interrupt: () => undefined,
        close: () => undefined,
      }),
    },
    publisher,
    clock: { ...SYSTEM_CLOCK, now: () => 0 },
    logger: SILENT,
    metrics: METRICS,
    alarms: new Alarms({ logger: SILENT, clock: SYSTEM_CLOCK }),
    maxBatch: 256,
    maxBatchBytes: 1_000_000,
    commitCut: cut,
    sweepOverdueMs: 1_000_000,
    holdsLease: () => true,
    newCommitId: () => `c-${commits.length}`,
  });
  const last = messages.length;
  await until(
    'everything to be applied',
    () => shard.position().seq === last && shard.outboxSize === 0,
    20_000,
  );
  await worker.stop();
  return { state: shard.dump(), events: publisher.byPool(), commits };
}

const UNCUT = { bytes: 1e9, arguments: 1e9 };

describe('where the log is cut into commits', () => {
  it('makes no difference: the same state, the same events, whatever a commit may hold', async () => {
    const cuts = fc.record({
      bytes: fc.integer({ min: 1, max: 60_000 }),
      arguments: fc.integer({ min: 1, max: 1_500 }),
    });
    await fc.assert(
      fc.asyncProperty(randomLog, cuts, async (log, cut) => {
        const messages = messagesOf(log);
        if (messages.length === 0) return;
        const whole = await applyAll(messages, UNCUT);
        const pieces = await applyAll(messages, cut);
        expect(pieces.state).toEqual(whole.state);
        expect(pieces.events).toEqual(whole.events);
        expect(pieces.commits.length).toBeGreaterThanOrEqual(whole.commits.length);
      }),
      RUNS,
    );
  }, 60_000);

  it('is after each message where a commit has no room for a second', async () => {
    const log =
      fc.sample(randomLogWithoutSweeps, { seed: 7, numRuns: 5 }).find(({ length }) => length > 3) ?? [];
    const { commits } = await applyAll(messagesOf(log), { bytes: 1, arguments: 1 });
    expect(commits.map(({ next }) => next.seq)).toEqual(log.map((_, i) => i + 1));
  });
});

/** Of the log from a message on in one commit, decided on the world that all before it makes. */
function reckonedAndWritten(messages: readonly LogMessage[], from = 0) {
  const world = World.genesis(PLACE.shard, PLACE.shards);
  const context = { now: 0, shard: PLACE.shard, subjects: SUBJECTS, cut: UNCUT };
  decideBatch(decodeMessages(messages.slice(0, from), PLACE), world, { outcomes: new Map() }, context);
  world.takeChanges();
  const batch = decodeMessages(messages.slice(from), PLACE);
  const last = batch.at(-1);
  if (last === undefined) return undefined;
  const decided = decideBatch(batch, world, { outcomes: new Map() }, context);
  const commit = buildCommit({
    id: 'commit',
    loaded: { world, position: { seq: 0, hash: undefined }, logIdentity: LOG, now: 0, clock: undefined },
    last,
    decided,
    fetched: {
      found: {
        position: { seq: 0, hash: undefined, logIdentity: LOG },
        outcomes: new Map(),
        entities: [],
      },
      oldest: NOTHING_OLD,
      looked: [],
    },
    published: [],
  });
  return { decided, written: measured(encodeCommit(KEYS, commit), UNCUT) };
}

/** Entries of a log, a millisecond apart. */
function entries(bodies: readonly (readonly [agent: string, pool: string, body: Body])[]): LogEntry[] {
  return bodies.map(([agent, pool, body], i) => ({
    agent,
    pool,
    at: START + i,
    body: { ...body, id: `d${i}` },
  }));
}

type Bodies = [string, string, Body][];

/** A root whose cancelling has so many dependents to tell it to. */
function cancelledRoot(dependents: number): Bodies {
  const log: Bodies = [
    ['ann', 'work', { type: 'CreatePool' }],
    ['ann', 'work', { type: 'SubmitTask', taskId: 'root', objective: 'o' }],
  ];
  for (let first = 0; first < dependents; first += 100) {
    const decisions = Array.from({ length: 100 }, (_, i) => ({
      type: 'SubmitTask' as const,
      taskId: `t${first + i}`,
      objective: 'o',
      topic: `topic${first + i}`,
      dependsOn: ['root'],
    }));
    log.push(['ann', 'work', { type: 'Batch', decisions }]);
  }
  log.push(['ann', 'work', { type: 'CancelTask', taskId: 'root' }]);
  return log;
}

/** The Settles that tell it, as a rebuild reads them: one after the other. */
function settlesInARow(dependents: number): LogEntry[] {
  const settles: Bodies = Array.from({ length: dependents / 200 }, () => [
    SWEEPER,
    SHARD_POOL,
    { type: 'Settle' },
  ]);
  return entries([...cancelledRoot(dependents), ...settles]);
}

describe('a commit holds at most twice of where a batch is cut', () => {
  it('also where a rebuild reads many Settles at once', async () => {
    const dependents = 4_000;
    const cut = { bytes: 1024 * 1024, arguments: 10_000 };
    const { commits, events } = await applyAll(messagesOf(settlesInARow(dependents)), cut);
    expect(
      [...events.values()].flat().filter((json) => json.includes('"converge.task.cancelled"')),
    ).toHaveLength(dependents + 1);
    const sizes = commits.map((commit) => measured(encodeCommit(KEYS, commit), UNCUT));
    for (const size of sizes) {
      expect(size.arguments).toBeLessThan(2 * cut.arguments);
      expect(size.bytes).toBeLessThan(2 * cut.bytes);
    }
  }, 60_000);
});

describe('what is reckoned of a commit', () => {
  it('is never less than what is written: Settles', () => {
    const sizes = reckonedAndWritten(messagesOf(settlesInARow(1_000)), 13);
    expect(sizes?.decided.size.arguments).toBeGreaterThanOrEqual(sizes?.written.arguments ?? 0);
    expect(sizes?.decided.size.bytes).toBeGreaterThanOrEqual(sizes?.written.bytes ?? 0);
  });

  it('is never less than what is written', () => {
    fc.assert(
      fc.property(randomLogWithoutSweeps, (log) => {
        const sizes = reckonedAndWritten(messagesOf(log));
        if (sizes === undefined) return;
        const { decided, written } = sizes;
        expect(decided.size.arguments).toBeGreaterThanOrEqual(written.arguments);
        expect(decided.size.bytes).toBeGreaterThanOrEqual(written.bytes);
        for (const [change, text] of decided.size.texts) expect(text).toBe(JSON.stringify(change.after));
      }),
      { numRuns: 40 },
    );
  });
});
