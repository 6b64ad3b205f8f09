/**
 * Decides when a snapshot of which shard is taken: one at a time, after so many decisions or so much time, and never
 * for more than a share of the time, however fast the shards are written.
 */
import type { Logger } from 'pino';
import type { SnapshotBucket } from '../../bus/snapshot-bucket.ts';
import { changeMark, type TrimMarks, withSnapshot } from '../../bus/trim-marks.ts';
import { messageOf } from '../../lib/errors.ts';
import { Periodic } from '../../lib/periodic.ts';
import type { ShardKeys } from '../../state/keys.ts';
import type { Redis } from '../../state/redis.ts';
import type { TrackedShardStore } from '../../state/snapshots/tracked-store.ts';
import type { WorkerMetrics } from '../health/metrics.ts';
import { type TakenSnapshot, takeSnapshot } from './take-snapshot.ts';

export interface SnapshotKeeperOptions {
  readonly bucket: SnapshotBucket;
  readonly redis: Redis;
  readonly marks: TrimMarks;
  readonly namespace: string;
  readonly shards: number;
  readonly keysOf: (shard: number) => ShardKeys;
  readonly everyMs: number;
  readonly everyDecisions: number;
  /** The true time; undefined while it is not known: then none is taken. */
  readonly now: () => number | undefined;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
}

export interface OwnedShard {
  readonly store: TrackedShardStore;
  /** It is loaded and its log was verified. */
  readonly isRunning: () => boolean;
}

interface Kept extends OwnedShard {
  /** The newest snapshot; undefined until the store was checked. */
  last: { readonly at: number; readonly position: number; readonly count: number } | undefined;
  /** Decisions that its store had committed when that was taken. */
  decisions: number;
}

const LEAST_SNAPSHOTS = 2;
/** After a snapshot the worker rests so many times as long as that took: a tenth of the time goes into them at most. */
const REST = 9;
const MAX_CHECK_MS = 1_000;
const MAX_RETRY_MS = 60_000;

export class SnapshotKeeper {
  readonly #options: SnapshotKeeperOptions;
  readonly #owned = new Map<number, Kept>();
  readonly #checks: Periodic;
  #restUntil = 0;
  #isClosed = false;

  constructor(options: SnapshotKeeperOptions) {
    this.#options = options;
    this.#checks = new Periodic({
      everyMs: Math.min(MAX_CHECK_MS, options.everyMs),
      run: () => this.#lookForDue(),
      onError: (error) =>
        options.logger.warn({ reason: messageOf(error) }, 'could not look for due snapshots'),
    });
  }

  own(shard: number, owned: OwnedShard): void {
    this.#owned.set(shard, { ...owned, last: undefined, decisions: owned.store.decisions });
  }

  disown(shard: number): void {
    this.#owned.get(shard)?.store.abandonCopy('the shard is being handed over');
    this.#owned.delete(shard);
  }

  start(): void {
    this.#checks.start();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { store } of this.#owned.values()) store.abandonCopy('the worker is stopping');
    await this.#checks.stop();
  }

  async #lookForDue(): Promise<void> {
    const now = this.#options.now();
    if (now !== undefined) await this.runOnce(now);
  }

  /** Takes the snapshots that are due, one after the other. */
  async runOnce(now: number): Promise<void> {
    for (const [shard, kept] of [...this.#owned]) {
      if (this.#isClosed || performance.now() < this.#restUntil) return;
      if (this.#owned.get(shard) !== kept || !kept.isRunning()) continue;
      if (await this.#isDue(shard, kept, now)) await this.#take(shard, kept, now);
    }
  }

  async #isDue(shard: number, kept: Kept, now: number): Promise<boolean> {
    const { bucket } = this.#options;
    // Asked every second for every shard: the store is not, unless it is time.
    if (kept.last !== undefined && !this.#isTime(kept, kept.last.at, now)) return false;
    const { seq, logIdentity } = await kept.store.position();
    if (seq <= 0) return false;
    if (kept.last === undefined) {
      const sealed = (await bucket.list(shard)).filter(
        ({ seal }) => seal?.summary.position.logIdentity === logIdentity,
      );
      const [newest] = sealed;
      kept.last = {
        // By the clock of the servers, which may have been ahead.
        at: Math.min(newest?.writtenAt ?? now, now),
        position: newest?.seal?.summary.position.seq ?? 0,
        count: sealed.length,
      };
    }
    const { at, position, count } = kept.last;
    const hasMoved = seq !== position || count < LEAST_SNAPSHOTS;
    return hasMoved && this.#isTime(kept, at, now);
  }

  #isTime({ store, decisions }: Kept, lastAt: number, now: number): boolean {
    const { everyMs, everyDecisions } = this.#options;
    return now - lastAt >= everyMs || store.decisions - decisions >= everyDecisions;
  }

  async #take(shard: number, kept: Kept, now: number): Promise<void> {
    const { bucket, redis, namespace, shards, keysOf, everyMs, logger, metrics } = this.#options;
    const { decisions } = kept.store;
    const started = performance.now();
    try {
      const keys = keysOf(shard);
      const { store } = kept;
      const taken = await takeSnapshot({ bucket, redis, keys, store, namespace, shard, shards });
      kept.last = { at: now, position: taken.position, count: (kept.last?.count ?? 0) + 1 };
      kept.decisions = decisions;
      metrics.countSnapshot(shard, taken);
      logger.info({ shard, ...rounded(taken) }, 'took a snapshot');
      await this.#note(shard, taken);
    } catch (error) {
      metrics.snapshots.inc({ result: 'failed' });
      logger.warn({ shard, reason: messageOf(error) }, 'could not take a snapshot');
      const retryMs = Math.min(everyMs, MAX_RETRY_MS);
      kept.last = { at: now - everyMs + retryMs, position: 0, count: 0 };
      kept.decisions = decisions;
    }
    this.#restUntil = performance.now() + REST * (performance.now() - started);
  }

  /** By what snapshots have noted the age of the log is known. One that is missing costs a later trim, nothing else. */
  async #note(shard: number, { position, logIdentity, now }: TakenSnapshot): Promise<void> {
    const { marks, logger } = this.#options;
    try {
      await changeMark(marks, shard, (mark) =>
        mark?.log === logIdentity ? withSnapshot(mark, position, now) : undefined,
      );
    } catch (error) {
      logger.warn({ shard, reason: messageOf(error) }, 'could not record a snapshot in the trim mark');
    }
  }
}

function rounded({ pauseMs, ...others }: TakenSnapshot): TakenSnapshot {
  return { ...others, pauseMs: Math.round(pauseMs * 10) / 10 };
}
