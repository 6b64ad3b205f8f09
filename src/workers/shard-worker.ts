/**
 * Works on one shard for as long as it holds the lease: read → decode → decide → commit → publish.
 *
 * Whatever goes wrong, there are three ways on. Reading was interrupted: verify the log, read on from the position.
 * Somebody else wrote, or the store went back: forget what is in memory and load what is stored. The log does not
 * continue what was applied: halt, loudly, until it does. Nothing else is repaired, because all else follows.
 */
import type { Logger } from 'pino';
import { type LogPosition, messageHash } from '../bus/log-reader.ts';
import {
  LogDivergedError,
  LogInterruptedError,
  messageOf,
  ShardLostError,
  UnavailableError,
} from '../errors.ts';
import { nextDue, type OldestKept } from '../handlers/system/sweep.ts';
import type { World } from '../handlers/world/world.ts';
import type { Task } from '../protocol/documents.ts';
import type { Entity } from '../protocol/entities.ts';
import type { Subjects } from '../protocol/subjects.ts';
import type { Found, ShardCommit, ShardStore, StoredPosition } from '../state/shard-store.ts';
import type { Alarms } from './alarms.ts';
import {
  type DecidedBatch,
  type DecodedMessage,
  decideBatch,
  decodeMessages,
  isSweep,
  loadFound,
  lookupFor,
} from './decide-batch.ts';
import type { WorkerMetrics } from './metrics.ts';
import { encodeOutbox } from './outbox.ts';
import { OutboxPublisher } from './outbox-publisher.ts';
import { patienceMs } from './patience.ts';
import type { Clock, ShardLog, ShardLogReader, ShardPublisher } from './ports.ts';
import { changedClasses, oldestFor, worldOf } from './stored-world.ts';

export interface ShardWorkerOptions {
  readonly namespace: string;
  readonly shard: number;
  readonly shards: number;
  readonly subjects: Subjects;
  readonly store: ShardStore;
  readonly log: ShardLog;
  readonly publisher: ShardPublisher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
  readonly alarms: Alarms;
  /** Most messages, and most bytes of them, in one commit. */
  readonly maxBatch: number;
  readonly maxBatchBytes: number;
  /** When something has been due for so long, the owner sweeps itself. */
  readonly sweepOverdueMs: number;
  /** Does the lease still hold, by the worker's own monotonic clock? A worker that was paused must not publish. */
  readonly holdsLease: () => boolean;
  /** Brings back a state that the store has lost, before it is loaded. Throws LogDivergedError when nothing can. */
  readonly recover?: () => Promise<unknown>;
  /** Unique for every commit of every worker. */
  readonly newCommitId: () => string;
}

/** What is in memory of a shard, exactly as far as `position`. */
interface Loaded {
  readonly world: World;
  position: { readonly seq: number; readonly hash: string | undefined };
  readonly logIdentity: string;
  now: number;
}

interface Fetched {
  readonly found: Found;
  readonly oldest: OldestKept;
  /** Final tasks that are in memory for this batch only. */
  readonly looked: { readonly tasks: readonly Task[]; readonly entities: readonly Entity[] };
}

export type ShardStatus = 'starting' | 'running' | 'halted' | 'stopped';

/** Also how soon an idle shard notices that the store was emptied or went back. */
const IDLE_WAIT_MS = 1_000;
const RETRY_MS = 250;
const HALT_CHECK_MS = 1_000;
/** A halt that was told on a connection that broke can arrive after all: who works takes it back now and then. */
const UNHALT_EVERY_MS = 10_000;
const FINISH_WITHIN_MS = 5_000;
/** What a halt says, followed by its reason. */
const HALTED = 'the log does not continue what was applied; the shard is halted';

export class ShardWorker {
  readonly #options: ShardWorkerOptions;
  readonly #outbox: OutboxPublisher;
  #status: ShardStatus = 'starting';
  #haltReason: string | undefined;
  /** When it last said that it is not halted: monotonic. */
  #unhaltedAt = 0;
  #stopping = false;
  #reader: ShardLogReader | undefined;
  #cancelOpening: ((why: string) => void) | undefined;
  /** Read but not yet applied: what did not fit into the last batch. */
  #held: DecodedMessage[] = [];
  #loaded: Loaded | undefined;
  /** Since when (wall clock) something has been due without a Sweep having been applied. */
  #dueSince: number | undefined;
  /** When (wall clock) the owner swept last because nobody else did. */
  #ownSweepAt: number | undefined;
  readonly #done: Promise<void>;

  constructor(options: ShardWorkerOptions) {
    this.#options = options;
    this.#outbox = new OutboxPublisher(options);
    this.#done = this.#run();
  }

  get status(): ShardStatus {
    return this.#status;
  }

  get haltReason(): string | undefined {
    return this.#haltReason;
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
    for (const pool of this.#loaded?.world.pools.values() ?? []) live += pool.liveTasks;
    return live;
  }

  /** Reading is doubtful (the server was gone, the stream is another): verify before reading on. */
  interrupt(why: string): void {
    this.#cancelOpening?.(why);
    this.#reader?.interrupt(why);
  }

  /** Finishes the batch under way and publishes what it owes, within a bound; then the lease can be given away. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancelOpening?.('stopping');
    this.#reader?.nudge();
    await this.#orLeave(this.#done);
  }

  /** What cannot be published in time, or is not this worker's to publish any more, is left to the next owner. */
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
    while (!this.#stopping) {
      try {
        this.#loaded ??= await this.#load();
        await this.#work(this.#loaded);
      } catch (error) {
        if (this.#stopping) break;
        if (error instanceof LogDivergedError) await this.#halt(error);
        else if (error instanceof ShardLostError) {
          logger.warn(
            { reason: error.message },
            'another worker wrote, or the store went back: loading again',
          );
          this.#forget();
        } else if (error instanceof LogInterruptedError) {
          logger.info({ reason: error.message }, 'reading the log was interrupted');
          await clock.sleep(RETRY_MS);
        } else if (error instanceof UnavailableError) {
          logger.warn({ reason: error.message }, 'a server is away: loading again');
          this.#forget();
          await clock.sleep(RETRY_MS);
        } else {
          logger.error({ err: error }, 'the shard stumbled: loading again');
          this.#forget();
          await clock.sleep(RETRY_MS);
        }
      } finally {
        this.#held = [];
        this.#reader?.close();
        this.#reader = undefined;
      }
    }
    await this.#orLeave(this.#outbox.finish());
    this.#status = 'stopped';
  }

  async #load(): Promise<Loaded> {
    const { store, log, logger, clock } = this.#options;
    const started = clock.monotonic();
    await this.#options.recover?.();
    // In this order: what the worker before still commits after this reading makes our first commit fail, and we load
    // and drain again. The other way round we would stand behind a commit whose events nobody publishes.
    const stored = await store.load();
    await this.#outbox.drain(await store.unpublished());
    const world = worldOf(stored, this.#options);
    const loaded = {
      world,
      position: { seq: stored.position.seq, hash: stored.position.hash },
      logIdentity: stored.position.logIdentity ?? (await log.identity()),
      now: stored.now,
    };
    const loadMs = Math.round(clock.monotonic() - started);
    logger.info({ position: stored.position.seq, pools: stored.pools.length, loadMs }, 'shard loaded');
    return loaded;
  }

  async #work(loaded: Loaded): Promise<void> {
    const { metrics, alarms, shard, clock } = this.#options;
    const { position, logIdentity } = loaded;
    this.#reader = await this.#open({ ...position, logIdentity });
    await this.#unhalt();
    metrics.halted.set({ shard }, 0);
    alarms.clear('shard_halted', shard);
    this.#haltReason = undefined;
    this.#status = 'running';
    while (!this.#stopping) {
      await this.#step(loaded, this.#reader);
      if (clock.monotonic() - this.#unhaltedAt >= UNHALT_EVERY_MS)
        await this.#unhalt().catch(() => undefined);
    }
  }

  async #unhalt(): Promise<void> {
    const { store, clock } = this.#options;
    this.#unhaltedAt = clock.monotonic();
    await store.setHalted(undefined);
  }

  /** Opening asks the server, and what was asked on a connection that broke is never answered. */
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
    const batch = await this.#read(reader, loaded.world);
    if (batch.length === 0) return await this.#idle(loaded);
    const fetched = await this.#fetch(loaded, batch);
    const decided = decideBatch(batch, loaded.world, fetched.found, this.#contextOf(loaded, fetched.oldest));
    await this.#commit(loaded, batch, decided, fetched);
    if (batch[0] !== undefined && isSweep(batch[0])) this.#dueSince = undefined;
    await this.#publish(batch, decided);
    this.#count(decided);
    await this.#sweepIfOverdue(loaded);
  }

  /**
   * The next batch: bounded in messages and bytes. A Sweep is one of its own: it sees what is stored, and what it
   * removes and forgets must be gone for whatever comes after it, however the log is cut into batches.
   */
  async #read(reader: ShardLogReader, world: World): Promise<DecodedMessage[]> {
    const { maxBatch, maxBatchBytes } = this.#options;
    if (this.#held.length === 0) {
      this.#held = decodeMessages(await reader.take(maxBatch, IDLE_WAIT_MS), this.#options);
      await this.#waitForOthers(reader, world);
    }
    let bytes = 0;
    const end = this.#held.findIndex((entry, i) => {
      bytes += entry.message.data.byteLength;
      const before = this.#held[i - 1];
      return before !== undefined && (bytes > maxBatchBytes || isSweep(entry) || isSweep(before));
    });
    return this.#held.splice(0, end === -1 ? this.#held.length : end);
  }

  /** As long as everything in the batch has patience; one message that has none ends the wait. */
  async #waitForOthers(reader: ShardLogReader, world: World): Promise<void> {
    const { clock, maxBatch } = this.#options;
    let until = Number.POSITIVE_INFINITY;
    for (let added = this.#held; this.#held.length > 0 && !this.#stopping; ) {
      const now = clock.monotonic();
      for (const entry of added) until = Math.min(until, now + patienceMs(entry, world));
      const room = maxBatch - this.#held.length;
      if (room <= 0 || until <= now) return;
      added = decodeMessages(await reader.take(room, until - now), this.#options);
      this.#held.push(...added);
    }
  }

  /**
   * What the batch needs of the store: known outcomes, final tasks, and for a Sweep what is oldest. It has to be read
   * where this worker stands: in a state that another worker has moved on, the batch would find itself decided already.
   */
  async #fetch({ world, position, now }: Loaded, batch: readonly DecodedMessage[]): Promise<Fetched> {
    const { store } = this.#options;
    const [found, old] = await Promise.all([
      store.lookup(lookupFor(batch, world)),
      store.oldest(...oldestFor(batch, world, now)),
    ]);
    expectAt(position, found.position);
    if (old.position !== undefined) expectAt(position, old.position);
    loadFound(world, found);
    loadFound(world, old);
    return {
      found,
      oldest: old,
      looked: { tasks: [...found.tasks, ...old.tasks], entities: [...found.entities, ...old.entities] },
    };
  }

  #contextOf({ now }: Loaded, oldest: OldestKept): Parameters<typeof decideBatch>[3] {
    const { shard, subjects } = this.#options;
    return { now, shard, subjects, oldest };
  }

  async #commit(
    loaded: Loaded,
    batch: readonly DecodedMessage[],
    decided: DecidedBatch,
    { oldest, looked }: Fetched,
  ): Promise<void> {
    const last = batch.at(-1)?.message;
    if (last === undefined) return;
    const { world, position, logIdentity } = loaded;
    const { changes, sequences, bans, buckets } = world.takeChanges();
    const next = { seq: last.seq, hash: messageHash(last), logIdentity, now: decided.now };
    const forgotten = oldest.outcomes.slice(0, decided.forgottenOutcomes);
    const early = forgotten.filter(({ at }) => at + world.settings.outcomeRetentionMs > decided.now).length;
    if (early > 0) this.#options.metrics.retentionCut.inc(early);
    const commit: ShardCommit = {
      id: this.#options.newCommitId(),
      expected: { ...position, logIdentity },
      next,
      settings: world.settings,
      nextDue: nextDue(world),
      changes,
      sequences,
      classes: changedClasses(world, changes),
      bans,
      buckets,
      outcomes: decided.records,
      forgotten: forgotten.map(({ id }) => id),
      outbox: encodeOutbox(decided),
      published: this.#outbox.takePublished(),
    };
    await this.#commitSurely(commit);
    loaded.position = { seq: next.seq, hash: next.hash };
    loaded.now = decided.now;
    world.forgetFinals(changes);
    for (const { pool, taskId } of looked.tasks) world.pool(pool)?.forget(taskId);
    for (const { pool, kind, id } of looked.entities) world.pool(pool)?.forgetEntity(kind, id);
  }

  /**
   * An answer that was lost says nothing, and neither does the position: another worker that applied the same messages
   * leads to the same one, and what this worker decided may already have seen what that one wrote. The commit itself
   * knows: sent again with its id, it is either recognised, or applied now, or somebody else was there.
   */
  async #commitSurely(commit: ShardCommit): Promise<void> {
    const { store, clock, logger } = this.#options;
    for (;;) {
      try {
        await store.commit(commit);
        return;
      } catch (error) {
        if (error instanceof ShardLostError || this.#stopping) throw error;
        logger.warn({ reason: messageOf(error), commit: commit.id }, 'the answer of a commit was lost');
      }
      await clock.sleep(RETRY_MS);
    }
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
    await this.#sweepIfOverdue(loaded);
  }

  /** An idle shard commits nothing, and so would not notice that the store was emptied or went back. */
  async #checkStore({ position }: Loaded): Promise<void> {
    const { store } = this.#options;
    const stored = await store.position().catch(() => undefined);
    if (stored === undefined) return;
    expectAt(position, stored);
    // It can also have gone back by no more than the clearing of the outbox.
    if (!this.#outbox.isSettled) return;
    const left = await store.unpublished().catch(() => []);
    if (left.length > 0 && this.#outbox.isSettled) {
      throw new ShardLostError(`${left.length} batches are in the outbox again`);
    }
  }

  /** Nobody has swept for long: expiry must not depend on BullMQ being there. */
  async #sweepIfOverdue({ world }: Loaded): Promise<void> {
    const { clock, sweepOverdueMs, publisher, logger, shard, metrics, alarms } = this.#options;
    const now = clock.now();
    const isDue = (nextDue(world) ?? Number.POSITIVE_INFINITY) <= now;
    this.#dueSince = isDue ? (this.#dueSince ?? now) : undefined;
    // Not with the next Sweep: that is this worker's own.
    if (now - (this.#ownSweepAt ?? now) > 3 * sweepOverdueMs) {
      this.#ownSweepAt = undefined;
      alarms.clear('sweep_overdue', shard);
    }
    if (this.#dueSince === undefined || now - this.#dueSince < sweepOverdueMs) return;
    const overdueMs = now - this.#dueSince;
    alarms.raise('sweep_overdue', shard, 'nobody sweeps; the owner of the shard does it itself', {
      overdueMs,
    });
    this.#dueSince = now;
    this.#ownSweepAt = now;
    metrics.ownSweeps.inc();
    await publisher
      .sweep(shard)
      .catch((error) => logger.warn({ reason: messageOf(error) }, 'could not sweep'));
  }

  async #halt(error: LogDivergedError): Promise<void> {
    const { store, clock, metrics, alarms, shard } = this.#options;
    if (this.#haltReason !== error.message) {
      this.#status = 'halted';
      this.#haltReason = error.message;
      metrics.halts.inc();
    }
    alarms.raise('shard_halted', shard, HALTED, { reason: error.message });
    // Each time, because the store may not answer now, or forget it later.
    await store.setHalted(error.message).catch(() => undefined);
    metrics.halted.set({ shard }, 1);
    this.#forget();
    await clock.sleep(HALT_CHECK_MS);
  }

  #forget(): void {
    this.#loaded = undefined;
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

function expectAt(position: Loaded['position'], stored: StoredPosition): void {
  if (stored.seq === position.seq && stored.hash === position.hash) return;
  throw new ShardLostError(`the shard stands at ${stored.seq}, not at ${position.seq}`);
}
