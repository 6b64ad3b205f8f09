/**
 * One shard under test: the real ShardWorker on the real Redis, but with a log in memory, so that log time is whatever
 * the test says, and with a publisher that remembers what it was given and fails when told to.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import type { LogMessage } from '../../src/bus/log-reader.ts';
import { messageHash } from '../../src/bus/log-reader.ts';
import { LogDivergedError, LogInterruptedError } from '../../src/lib/errors.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { shardKeys } from '../../src/state/keys.ts';
import { connectForCommits, connectForReads, openRedis } from '../../src/state/redis.ts';
import { RedisShardStore } from '../../src/state/redis-shard-store.ts';
import { Alarms } from '../../src/workers/health/alarms.ts';
import { WorkerMetrics } from '../../src/workers/health/metrics.ts';
import type { DeadLetter } from '../../src/workers/shard/outbox.ts';
import type { Pack } from '../../src/workers/shard/packs.ts';
import {
  type Clock,
  type ShardLog,
  type ShardLogReader,
  type ShardPublisher,
  SYSTEM_CLOCK,
} from '../../src/workers/shard/ports.ts';
import { ShardWorker, type ShardWorkerOptions } from '../../src/workers/shard/shard-worker.ts';
import { eventTexts, type ToldEvent } from '../../verify/sim/told-events.ts';
import type { System } from './system.ts';
import { believing } from './time.ts';
import { until } from './until.ts';

/** The messages of one shard; what is appended is read at once by whoever waits. */
export class MemoryLog implements ShardLog {
  readonly messages: LogMessage[] = [];
  name = '2026-01-01T00:00:00Z';
  readonly #readers = new Set<MemoryReader>();

  append(message: Omit<LogMessage, 'seq'>): LogMessage {
    // Other shards' messages stand between those of this one.
    const stored = { ...message, seq: (this.messages.at(-1)?.seq ?? 0) + 1 + (this.messages.length % 3) };
    this.messages.push(stored);
    for (const reader of this.#readers) reader.nudge();
    return stored;
  }

  get lastSeq(): number {
    return this.messages.at(-1)?.seq ?? 0;
  }

  async open(position: {
    seq: number;
    hash: string | undefined;
    logIdentity: string;
  }): Promise<ShardLogReader> {
    if (position.logIdentity !== this.name) throw new LogDivergedError('another log');
    const applied = this.messages.find(({ seq }) => seq === position.seq);
    const hash = applied && messageHash(applied);
    if (position.seq > 0 && hash !== position.hash) throw new LogDivergedError('another message');
    const reader = new MemoryReader(this, position.seq, () => this.#readers.delete(reader));
    this.#readers.add(reader);
    return reader;
  }

  async read(seq: number): Promise<LogMessage | undefined> {
    return this.messages.find((message) => message.seq === seq);
  }

  async clocks(after: number): Promise<LogMessage[]> {
    return this.messages.filter(({ seq, subject }) => seq > after && subject.endsWith('._clock._operator'));
  }

  async identity(): Promise<string> {
    return this.name;
  }
}

class MemoryReader implements ShardLogReader {
  readonly #log: MemoryLog;
  readonly #onClose: () => void;
  #after: number;
  #why: string | undefined;
  #wake: (() => void) | undefined;

  constructor(log: MemoryLog, after: number, onClose: () => void) {
    this.#log = log;
    this.#after = after;
    this.#onClose = onClose;
  }

  async take(max: number, waitMs: number): Promise<LogMessage[]> {
    if (this.#log.lastSeq <= this.#after && this.#why === undefined) await this.#something(waitMs);
    if (this.#why !== undefined) throw new LogInterruptedError(this.#why);
    const from = this.#log.messages.findIndex(({ seq }) => seq > this.#after);
    const taken = from === -1 ? [] : this.#log.messages.slice(from, from + max);
    this.#after = taken.at(-1)?.seq ?? this.#after;
    return taken;
  }

  nudge(): void {
    this.#wake?.();
  }

  interrupt(why: string): void {
    this.#why ??= why;
    this.nudge();
  }

  close(): void {
    this.#onClose();
  }

  async #something(waitMs: number): Promise<void> {
    const timer = new AbortController();
    this.#wake = () => timer.abort();
    await delay(waitMs, undefined, { signal: timer.signal }).catch(() => undefined);
    this.#wake = undefined;
  }
}

export class RecordingPublisher implements ShardPublisher {
  readonly results: { readonly key: string; readonly outcome: string }[] = [];
  readonly published: ToldEvent[] = [];
  /** The same, as they came: one list for each round. */
  readonly rounds: (readonly Pack[])[] = [];
  readonly deadLetters: DeadLetter[] = [];
  sweeps = 0;
  /** The times that sweeps brought along. */
  readonly carried: number[] = [];
  readonly settles: string[] = [];
  /** While set, neither events nor dead letters are taken. */
  broken = false;
  /** Batches of events that were offered while broken. */
  refused = 0;

  result(key: string, outcome: string): void {
    this.results.push({ key, outcome });
  }

  async packs(packs: readonly Pack[]): Promise<void> {
    this.#refuse();
    this.rounds.push(packs);
    this.published.push(...packs.flatMap(eventTexts));
  }

  /** The texts of each pool's events: only those of one pool have an order. */
  byPool(): Map<string, string[]> {
    const found = new Map<string, string[]>();
    for (const { subject, json } of this.published) found.set(subject, [...(found.get(subject) ?? []), json]);
    return new Map([...found].sort(([a], [b]) => a.localeCompare(b)));
  }

  async deadLetter(letter: DeadLetter): Promise<void> {
    this.#refuse();
    this.deadLetters.push(letter);
  }

  async flush(): Promise<void> {
    this.#refuse();
  }

  async sweep(_shard: number, at?: number): Promise<void> {
    this.sweeps++;
    if (at !== undefined) this.carried.push(at);
  }

  async settle(_shard: number, id: string): Promise<void> {
    this.settles.push(id);
  }

  #refuse(): void {
    if (!this.broken) return;
    this.refused++;
    throw new Error('the events stream takes nothing');
  }
}

export interface ShardUnderTest {
  readonly worker: ShardWorker;
  readonly store: RedisShardStore;
  readonly metrics: WorkerMetrics;
  readonly alarms: Alarms;
  readonly publisher: RecordingPublisher;
  /** Resolves when all that the log holds is committed. */
  applied(): Promise<void>;
  stop(): Promise<void>;
}

export interface ShardSetup extends Partial<ShardWorkerOptions> {
  readonly ns: string;
  readonly log: ShardLog;
  readonly publisher?: RecordingPublisher;
  readonly redisUrl?: string;
  /** When a connection to Redis counts as dead. */
  readonly answerWithinMs?: number;
}

/** A clock that says what the test wants, and on which nobody sleeps for long. */
export function testClock(now: () => number): Clock {
  return {
    ...SYSTEM_CLOCK,
    now,
    sleep: (ms, signal) => SYSTEM_CLOCK.sleep(Math.min(ms, MAX_SLEEP_MS), signal),
  };
}

/** Longer than a worker needs to publish, shorter than anyone wants to wait for one that cannot. */
const MAX_SLEEP_MS = 500;

let commits = 0;

/** Starts to work on shard 0 of 1, unless told otherwise. */
export async function startShard(system: System, setup: ShardSetup): Promise<ShardUnderTest> {
  const { ns, log, redisUrl = system.servers.redis.url, publisher = new RecordingPublisher() } = setup;
  const shard = setup.shard ?? 0;
  const keys = shardKeys(ns, shard);
  const commit = await openRedis(connectForCommits(redisUrl, { answerWithinMs: setup.answerWithinMs }));
  const read = await openRedis(connectForReads(redisUrl, { answerWithinMs: setup.answerWithinMs }));
  const store = new RedisShardStore(commit, read, keys);
  const metrics = new WorkerMetrics();
  const logger: Logger = pino({ level: 'silent' });
  const alarms = new Alarms({ logger, clock: SYSTEM_CLOCK, registry: metrics.registry });
  const worker = new ShardWorker({
    namespace: ns,
    shard,
    shards: 1,
    subjects: subjects(ns),
    store,
    // Far from any due time: the owner's own sweeps are a test of their own.
    clock: testClock(() => 0),
    logger,
    metrics,
    alarms,
    maxBatch: 256,
    maxBatchBytes: 2 * 1024 * 1024,
    time: believing(setup.clock ?? testClock(() => 0)),
    sweepOverdueMs: 1_000,
    holdsLease: () => true,
    newCommitId: () => `c-${commits++}`,
    ...setup,
    log,
    publisher,
  });
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await worker.stop();
    for (const connection of [commit, read]) if (connection.status !== 'end') connection.disconnect();
  };
  const under: ShardUnderTest = {
    worker,
    store,
    metrics,
    alarms,
    publisher,
    applied: async () => {
      const last = (log as MemoryLog).lastSeq;
      const seq = async (): Promise<number> => Number(await system.redis.hget(keys.meta, 'seq'));
      await until(`message ${last} to be applied`, async () => (await seq()) === last, 200_000);
    },
    stop: () => (stopped ??= stop()),
  };
  system.onEndOfTest(() => under.stop());
  return under;
}
