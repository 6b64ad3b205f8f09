/**
 * Trims the log: per shard, what is applied, older than `logRetentionMs`, and below every snapshot of the shard that is
 * kept. Run by the sweeper, on one worker at a time; running it twice changes nothing.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { Logger } from 'pino';
import { firstSince, trimShard } from '../../bus/log-trim.ts';
import type { SnapshotBucket } from '../../bus/snapshot-bucket.ts';
import { findStream, logIdentityOf, markTrimmed } from '../../bus/streams.ts';
import { messageOf } from '../../errors.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { StoredPosition } from '../../state/shard-store.ts';
import type { WorkerMetrics } from '../metrics.ts';
import { trimPoint } from './trim-point.ts';

export interface LogTrimmerOptions {
  readonly jsm: JetStreamManager;
  readonly subjects: Subjects;
  readonly bucket: SnapshotBucket;
  readonly shards: number;
  readonly logRetentionMs: number;
  /** Where the stored state of a shard stands. */
  readonly positionOf: (shard: number) => Promise<StoredPosition>;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
}

export interface TrimReport {
  readonly removed: number;
  /** Shards of which something was removed, and below which position. */
  readonly trimmed: readonly { readonly shard: number; readonly below: number; readonly removed: number }[];
}

const ORPHANS_OLDER_THAN_MS = 60 * 60 * 1_000;

export class LogTrimmer {
  readonly #options: LogTrimmerOptions;
  /** Shard → below which position nothing is left, as far as this process knows. */
  readonly #done = new Map<number, number>();
  #logIdentity: string | undefined;

  constructor(options: LogTrimmerOptions) {
    this.#options = options;
  }

  async runOnce(now: number): Promise<TrimReport> {
    const { jsm, subjects, logger, metrics, bucket, shards } = this.#options;
    const stream = subjects.streams.decisions;
    const points = await this.#points(now);
    const trimmed: { shard: number; below: number; removed: number }[] = [];
    if (points.size > 0) {
      // First said, then done: a shard whose state is lost meanwhile must not take the log for whole.
      await markTrimmed(jsm, stream, { below: Math.max(...points.values()), shards: new Set(points.keys()) });
    }
    for (const [shard, below] of points) {
      const removed = await trimShard(jsm, stream, subjects.shardLog(shard), below);
      this.#done.set(shard, below);
      if (removed > 0) trimmed.push({ shard, below, removed });
    }
    const removed = trimmed.reduce((sum, shard) => sum + shard.removed, 0);
    if (removed > 0) {
      metrics.trimmed.inc(removed);
      logger.info({ removed, trimmed }, 'the log was trimmed');
    }
    const orphans = await bucket.removeOrphans(shards, now, ORPHANS_OLDER_THAN_MS).catch((error) => {
      logger.warn({ reason: messageOf(error) }, 'what unfinished snapshots left could not be removed');
      return 0;
    });
    if (orphans > 0) logger.info({ orphans }, 'what unfinished snapshots left was removed');
    return { removed, trimmed };
  }

  /** By shard: below which position its messages go now. */
  async #points(now: number): Promise<Map<number, number>> {
    const { jsm, subjects, bucket, shards, logRetentionMs, positionOf } = this.#options;
    const info = await findStream(jsm, subjects.streams.decisions);
    const points = new Map<number, number>();
    if (info === undefined || info.state.messages === 0) return points;
    const identity = logIdentityOf(info);
    if (identity !== this.#logIdentity) this.#done.clear();
    this.#logIdentity = identity;
    const retainedFrom = await firstSince(jsm, subjects.streams.decisions, now - logRetentionMs);
    for (let shard = 0; shard < shards; shard++) {
      const applied = await positionOf(shard);
      const snapshots = (await bucket.list(shard)).flatMap(({ seal }) => seal?.summary ?? []);
      const logIdentity = logIdentityOf(info);
      const point = trimPoint({ logIdentity, applied, snapshots, retainedFrom });
      if (point !== undefined && point > (this.#done.get(shard) ?? 0)) points.set(shard, point);
    }
    return points;
  }
}
