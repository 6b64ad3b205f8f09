/**
 * Works on one shard for as long as it holds the lease: read → decode → decide → commit → publish.
 *
 * Every fault leads along one of four ways. Reading was interrupted: verify the log and read on from the position.
 * Another worker wrote, or the store went back: forget the memory and load the stored state. The log does not continue
 * from the applied position: halt, with an alarm, until it does. A commit cannot be made: load again and commit message by
 * message; a message that fails alone halts the shard. Nothing else needs repair, because everything else is derived.
 * docs/architecture.md has a chart of these states.
 */
import type { Logger } from 'pino';
import type { LogPosition } from '../../bus/log-message.ts';
import { nextDue, type OldestKept } from '../../handlers/sweep/sweep.ts';
import {
  LogDivergedError,
  LogInterruptedError,
  messageOf,
  ShardLostError,
  UnavailableError,
} from '../../lib/errors.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { WriteBounds } from '../../state/script-writer.ts';
import type { LoadGuard, ShardStore } from '../../state/shard-store.ts';
import type { Alarms } from '../health/alarms.ts';
import type { WorkerMetrics } from '../health/metrics.ts';
import { ShardTooLargeError } from '../memory/load-limits.ts';
import type { ShardHolding } from '../memory/pressure.ts';
import type { TimeSource, Untimely } from '../time/log-time.ts';
import { ShardTime } from '../time/shard-time.ts';
import { BatchReader } from './batch-reader.ts';
import { buildCommit, forgottenEarly } from './build-commit.ts';
import { BatchRefusedError, CommitLoop } from './commit-loop.ts';
import { type DecidedBatch, type DecodedMessage, decideBatch } from './decide-batch.ts';
import { type Fetched, fetchFor, forgetFetched } from './fetch-batch.ts';
import { Halting, LOOK_AGAIN_MS, ShardHaltedError } from './halting.ts';
import { expectAt, type Loaded, loadShard } from './load-shard.ts';
import { OutboxPublisher } from './outbox-publisher.ts';
import { OverdueSweep } from './overdue-sweep.ts';
import type { Clock, ShardLog, ShardLogReader, ShardPublisher } from './ports.ts';
import { Settler } from './settler.ts';
import type { ShardHealth } from './stall-watch.ts';

export interface ShardWorkerOptions {
  readonly namespace: string;
  readonly shard: number;
  readonly shards: number;
  readonly subjects: Subjects;
  readonly store: ShardStore;
  readonly log: ShardLog;
  readonly publisher: ShardPublisher;
  readonly clock: Clock;
  /** The true time. Without it every stamp of the log is trusted, as for a replay. */
  readonly time?: TimeSource;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
  readonly alarms: Alarms;
  /** Maximum number of messages, and of their bytes, in one commit. */
  readonly maxBatch: number;
  readonly maxBatchBytes: number;
  /** A batch is cut when its commit holds this much; default: half of what a commit may hold. */
  readonly commitCut?: WriteBounds;
  /** When something has been due for this long, the owner sweeps itself. */
  readonly sweepOverdueMs: number;
  /** Does the lease still hold, by the worker's own monotonic clock? A worker that was paused must not publish. */
  readonly holdsLease: () => boolean;
  /** Restores a state that the store has lost, before it is loaded. Throws LogDivergedError when that is impossible. */
  readonly recover?: () => Promise<unknown>;
  /** How many pieces of the state were loaded or restored so far: while the number rises, the shard makes progress. */
  readonly loadedPieces?: () => number;
  readonly guard?: LoadGuard;
  /** Called after every step of work, including idle ones. */
  readonly onStep?: () => void;
  /** Called when the shard does not fit into the memory of this worker: it must be given back. */
  readonly onTooLarge?: (why: string) => void;
  /** Unique for every commit of every worker. */
  readonly newCommitId: () => string;
}

export type ShardStatus = 'starting' | 'running' | 'halted' | 'stopped';

const RETRY_MS = 250;
const FINISH_WITHIN_MS = 5_000;

export class ShardWorker {
  readonly #options: ShardWorkerOptions;
  readonly #outbox: OutboxPublisher;
  readonly #batches: BatchReader;
  readonly #commits: CommitLoop;
  readonly #halting: Halting;
  readonly #sweeping: OverdueSweep;
  readonly #settler: Settler;
  readonly #time: ShardTime;
  /** It was loaded and its log was verified, at least once. */
  #hasRun = false;
  #isOver = false;
  #phase: ShardHealth['phase'] = 'load';
  /** The error after which it started again; undefined once it has done a step. */
  #lastError: string | undefined;
  readonly #stopped = new AbortController();
  #reader: ShardLogReader | undefined;
  #cancelOpening: ((why: string) => void) | undefined;
  #loaded: Loaded | undefined;
  readonly #done: Promise<void>;

  constructor(options: ShardWorkerOptions) {
    this.#options = options;
    const stopped = this.#stopped.signal;
    this.#outbox = new OutboxPublisher(options);
    this.#batches = new BatchReader({ ...options, stopped });
    this.#commits = new CommitLoop({ ...options, stopped });
    this.#halting = new Halting(options);
    this.#sweeping = new OverdueSweep(options);
    this.#settler = new Settler(options);
    this.#time = new ShardTime({ ...options, time: options.time });
    this.#done = this.#run();
  }

  get status(): ShardStatus {
    if (this.#isOver) return 'stopped';
    if (this.#halting.reason !== undefined) return 'halted';
    return this.#hasRun ? 'running' : 'starting';
  }

  get haltReason(): string | undefined {
    return this.#halting.reason;
  }

  /** Last decision applied; undefined before the shard is loaded. */
  get position(): number | undefined {
    return this.#loaded?.position.seq;
  }

  /** The log that the state comes from; undefined before the shard is loaded. */
  get logIdentity(): string | undefined {
    return this.#loaded?.logIdentity;
  }

  get liveTasks(): number {
    let live = 0;
    for (const pool of this.#loaded?.world.pools.values() ?? []) live += pool.live.tasks;
    return live;
  }

  /** Its size in memory; undefined before it is loaded. */
  get memory(): ShardHolding | undefined {
    const world = this.#loaded?.world;
    if (world === undefined) return undefined;
    const isPressed = world.settings.pressure === true;
    return { shard: this.#options.shard, bytes: world.bytes, endedBytes: world.endedBytes, isPressed };
  }

  /** Its current phase and progress; undefined while it is not supposed to make any. */
  get health(): ShardHealth | undefined {
    if (this.#isOver || this.#stopped.signal.aborted || this.#halting.reason !== undefined) return undefined;
    const { isWaiting, confirmed, failure } = this.#outbox.progress;
    const { position } = this;
    return {
      phase: this.#phase === 'read' && isWaiting ? 'publish' : this.#phase,
      cause: this.#commits.failing?.reason ?? failure ?? this.#lastError,
      isWaiting: isWaiting || this.#phase !== 'read',
      position,
      progress: `${position ?? ''}/${confirmed}/${this.#options.loadedPieces?.() ?? 0}`,
    };
  }

  /** Reading has become doubtful (the server was gone, the stream may be another): verify the log before reading on. */
  interrupt(why: string): void {
    this.#cancelOpening?.(why);
    this.#reader?.interrupt(why);
  }

  /** Finishes the current batch and publishes its outbox, within a bound; after that the lease can be released. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#cancelOpening?.('stopping');
    this.#reader?.nudge();
    await this.#orLeave(this.#done);
  }

  /** Batches that cannot be published in time, or no longer belong to this worker, are left to the next owner. */
  async #orLeave(work: Promise<void>): Promise<void> {
    const { clock, holdsLease } = this.#options;
    if (!holdsLease()) this.#outbox.close();
    const done = new AbortController();
    void clock.sleep(FINISH_WITHIN_MS, done.signal).then(() => this.#outbox.close());
    await work;
    done.abort();
  }

  async #run(): Promise<void> {
    const { logger, clock } = this.#options;
    while (!this.#stopped.signal.aborted) {
      try {
        this.#phase = 'load';
        this.#loaded ??= await loadShard(this.#options, this.#outbox);
        await this.#work(this.#loaded);
      } catch (error) {
        if (this.#stopped.signal.aborted) break;
        this.#lastError = messageOf(error);
        if (error instanceof BatchRefusedError) this.#splitUp(error);
        else if (error instanceof LogDivergedError || error instanceof ShardHaltedError)
          await this.#halt(error);
        else if (error instanceof ShardTooLargeError) {
          this.#forget();
          this.#options.onTooLarge?.(error.message);
          await clock.sleep(LOOK_AGAIN_MS);
        } else if (error instanceof ShardLostError) {
          logger.warn(
            { reason: error.message },
            'another worker wrote, or the store went back: reloading the shard',
          );
          this.#forget();
        } else if (error instanceof LogInterruptedError) {
          logger.info({ reason: error.message }, 'reading the log was interrupted: verifying it again');
          await clock.sleep(RETRY_MS);
        } else if (error instanceof UnavailableError) {
          logger.warn({ reason: error.message }, 'a server is unavailable: reloading the shard');
          this.#forget();
          await clock.sleep(RETRY_MS);
        } else {
          logger.error({ err: error }, 'unexpected error: reloading the shard');
          this.#forget();
          await clock.sleep(RETRY_MS);
        }
      } finally {
        this.#batches.clear();
        this.#reader?.close();
        this.#reader = undefined;
      }
    }
    await this.#orLeave(this.#outbox.finish());
    this.#isOver = true;
  }

  async #work(loaded: Loaded): Promise<void> {
    const { position, logIdentity } = loaded;
    this.#phase = 'open';
    this.#reader = await this.#open({ ...position, logIdentity });
    await this.#time.readClocks(loaded);
    await this.#halting.opened();
    this.#hasRun = true;
    while (!this.#stopped.signal.aborted) {
      await this.#step(loaded, this.#reader);
      this.#options.onStep?.();
      await this.#halting.worked();
    }
  }

  /** Opening sends requests to the server, and a request on a broken connection never gets a reply. */
  async #open(position: LogPosition): Promise<ShardLogReader> {
    const opening = this.#options.log.open(position);
    const cancelled = new Promise<never>((_resolve, reject) => {
      this.#cancelOpening = (why) => reject(new LogInterruptedError(why));
    });
    try {
      return await Promise.race([opening, cancelled]);
    } catch (error) {
      void opening.then((reader) => reader.close()).catch(() => undefined);
      throw error;
    } finally {
      this.#cancelOpening = undefined;
    }
  }

  /** The hot path. */
  async #step(loaded: Loaded, reader: ShardLogReader): Promise<void> {
    this.#phase = 'read';
    const read = await this.#timely(await this.#batches.take(reader, loaded.world), loaded);
    if (read.length === 0) return await this.#idle(loaded);
    this.#phase = 'fetch';
    const fetched = await fetchFor(this.#options.store, loaded, read);
    const decided = decideBatch(read, loaded.world, fetched.found, this.#contextOf(loaded, fetched.oldest));
    const batch = read.slice(0, decided.taken);
    this.#batches.giveBack(read.slice(decided.taken));
    this.#phase = 'commit';
    await this.#commit(loaded, batch, decided, fetched);
    this.#phase = 'publish';
    await this.#publish(batch, decided);
    this.#count(decided);
    this.#settler.applied(decided, loaded.world);
    this.#settler.settleIfOwed(loaded.world);
    this.#lastError = undefined;
    this.#sweeping.applied(batch, decided, nextDue(loaded.world));
    await this.#sweepIfOverdue(loaded);
  }

  /**
   * A message with a stamp in the future is not applied: the shard waits before it. When it continues, all messages that
   * were read before are read again.
   */
  async #timely(batch: DecodedMessage[], loaded: Loaded): Promise<readonly DecodedMessage[]> {
    const { admitted, untimely } = await this.#time.admit(batch, loaded);
    this.#batches.giveBack(batch.slice(admitted.length));
    if (untimely === undefined || admitted.length > 0) return admitted;
    const waiting = batch.slice(0, 1);
    for (let why: Untimely | undefined = untimely; why !== undefined && !this.#stopped.signal.aborted; ) {
      await this.#halting.begin(new ShardHaltedError(why.alarm, why.reason));
      await this.#options.clock.sleep(LOOK_AGAIN_MS, this.#stopped.signal);
      await this.#checkStore(loaded);
      for (const { message } of waiting) await this.#time.expectHeld(message);
      await this.#time.readClocks(loaded);
      why = (await this.#time.admit(waiting, loaded)).untimely;
    }
    throw new LogInterruptedError('the shard waited because of the time');
  }

  #contextOf({ now }: Loaded, oldest: OldestKept): Parameters<typeof decideBatch>[3] {
    const { shard, subjects, commitCut: cut } = this.#options;
    const isDistrusted = (seq: number): boolean => this.#time.isDistrusted(seq);
    return { now, shard, subjects, oldest, isDistrusted, ...(cut && { cut }) };
  }

  async #commit(
    loaded: Loaded,
    batch: readonly DecodedMessage[],
    decided: DecidedBatch,
    fetched: Fetched,
  ): Promise<void> {
    const { metrics, newCommitId } = this.#options;
    const last = batch.at(-1);
    if (last === undefined) return;
    metrics.retentionCut.inc(forgottenEarly(loaded, decided, fetched));
    const published = this.#outbox.takePublished();
    const commit = buildCommit({ id: newCommitId(), loaded, last, decided, fetched, published });
    metrics.countCommit(await this.#commits.commit(commit, batch.length));
    loaded.position = { seq: commit.next.seq, hash: commit.next.hash };
    loaded.now = decided.now;
    forgetFetched(loaded.world, commit.changes, fetched);
  }

  async #publish(batch: readonly DecodedMessage[], decided: DecidedBatch): Promise<void> {
    const seq = batch.at(-1)?.message.seq;
    if (seq === undefined) return;
    const messages = new Map(batch.map(({ message }) => [message.seq, message]));
    await this.#outbox.publish(seq, decided, decided.outcomes, messages);
  }

  async #idle(loaded: Loaded): Promise<void> {
    await this.#outbox.clearPublished();
    await this.#checkStore(loaded);
    this.#settler.settleIfOwed(loaded.world);
    await this.#sweepIfOverdue(loaded);
  }

  /** An idle shard commits nothing, so it would not notice by itself that the store was emptied or went back. */
  async #checkStore({ position }: Loaded): Promise<void> {
    const { store } = this.#options;
    const stored = await store.position().catch(() => undefined);
    if (stored === undefined) return;
    expectAt(position, stored);
    // The store may also have gone back by just the clearing of the outbox.
    if (!this.#outbox.isSettled) return;
    const left = await store.unpublished().catch(() => []);
    if (left.length > 0 && this.#outbox.isSettled) {
      throw new ShardLostError(`${left.length} batches came back into the outbox`);
    }
  }

  async #sweepIfOverdue(loaded: Loaded): Promise<void> {
    await this.#sweeping.look(nextDue(loaded.world));
    this.#time.look(loaded);
  }

  async #halt(error: LogDivergedError | ShardHaltedError): Promise<void> {
    await this.#halting.begin(error);
    this.#forget();
    const waitMs = error instanceof ShardHaltedError ? error.lookAgainMs : LOOK_AGAIN_MS;
    await this.#options.clock.sleep(waitMs, this.#stopped.signal);
  }

  /** Messages that could not be committed together are committed one by one, on a freshly loaded state. */
  #splitUp({ lastSeq, message }: BatchRefusedError): void {
    this.#options.logger.error(
      { reason: message, until: lastSeq },
      'could not commit a batch: committing message by message',
    );
    this.#batches.oneByOneUntil(lastSeq);
    this.#forget();
  }

  #forget(): void {
    this.#loaded = undefined;
    this.#settler.forget();
    this.#outbox.abandon();
  }

  #count(decided: DecidedBatch): void {
    const { metrics, logger } = this.#options;
    metrics.countBatch(decided);
    const isDebug = logger.isLevelEnabled('debug');
    for (const { applied, result } of decided.decisions) {
      const about = {
        decision: applied.decisionId,
        type: applied.type,
        pool: applied.pool,
        agent: applied.agent,
      };
      if (result.fault !== undefined) logger.error({ ...about, err: result.fault }, 'BUG: a handler failed');
      else if (isDebug) logger.debug({ ...about, seq: applied.seq, code: result.code }, result.status);
    }
    for (const { seq, reason } of decided.deadLetters) logger.warn({ seq, reason }, 'dead letter');
  }
}
