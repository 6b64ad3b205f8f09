/**
 * Trims the log: per shard, what is applied, older than `logRetentionMs` by the shard's own log time, and below every
 * snapshot of the shard that is kept. First the mark says what will be gone, then it goes. Run by the sweeper; running it
 * twice, or on two workers at once, changes nothing.
 */
import type { Logger } from 'pino';
import { changeMark, type TrimMark, trimmedBelow } from '../../bus/trim-marks.ts';
import { messageOf } from '../../lib/errors.ts';
import type { WorkerMetrics } from '../health/metrics.ts';
import { trimPoint } from './trim-point.ts';
import type { Progress, SealedSnapshot, TrimPorts } from './trim-ports.ts';

export interface LogTrimmerOptions {
  readonly ports: TrimPorts;
  readonly shards: number;
  readonly logRetentionMs: number;
  /** Removes what unfinished snapshots have left; returns how much. */
  readonly removeOrphans?: () => Promise<number>;
  readonly logger: Logger;
  readonly metrics: Pick<WorkerMetrics, 'trimmed' | 'snapshotsRefused'>;
}

export interface TrimReport {
  readonly removed: number;
  /** Shards of which something was removed, and below which position. */
  readonly trimmed: readonly { readonly shard: number; readonly below: number; readonly removed: number }[];
}

/** A snapshot that was taken, or read, no longer ago than this in log time counts as good. */
const PROVEN_FOR_MS = 24 * 60 * 60 * 1_000;

export class LogTrimmer {
  readonly #options: LogTrimmerOptions;
  /** Shard → below which position nothing is left, as far as this process knows. */
  readonly #done = new Map<number, number>();
  /** Content of a snapshot → log time of its shard when it was read and found good. */
  readonly #proven = new Map<number, ReadonlyMap<string, number>>();
  readonly #logs = new Map<number, string | undefined>();

  constructor(options: LogTrimmerOptions) {
    this.#options = options;
  }

  async runOnce(): Promise<TrimReport> {
    const { ports, shards, logger, metrics } = this.#options;
    const trimmed: { shard: number; below: number; removed: number }[] = [];
    for (let shard = 0; shard < shards; shard++) {
      try {
        const identity = await ports.log.identity(shard);
        if (identity !== this.#logs.get(shard)) this.#done.delete(shard);
        this.#logs.set(shard, identity);
        if (identity === undefined) continue;
        const done = await this.#trim(shard, identity);
        if (done !== undefined && done.removed > 0) trimmed.push({ shard, ...done });
      } catch (error) {
        logger.warn({ shard, reason: messageOf(error) }, 'could not trim the log of a shard');
      }
    }
    const removed = trimmed.reduce((sum, shard) => sum + shard.removed, 0);
    if (removed > 0) {
      metrics.trimmed.inc(removed);
      logger.info({ removed, trimmed }, 'trimmed the log');
    }
    await this.#removeOrphans();
    return { removed, trimmed };
  }

  async #trim(
    shard: number,
    logIdentity: string,
  ): Promise<{ readonly below: number; readonly removed: number } | undefined> {
    const { logger, ports } = this.#options;
    const { log, marks } = ports;
    const below = await this.#pointOf(shard, logIdentity);
    if (below === undefined || below <= (this.#done.get(shard) ?? 0)) return undefined;
    // First said, then done: a shard whose state is lost meanwhile must not take the log for whole.
    if (!(await this.#say(shard, logIdentity, below))) return undefined;
    // A snapshot that has replaced it meanwhile was not checked.
    if ((await log.identity(shard)) !== logIdentity) return undefined;
    // Nor may anything go of which the mark says no longer that it is gone: marks can be lost and made again from the log.
    if (!says((await marks.read(shard)).mark, logIdentity, below)) return undefined;
    const removed = await log.trim(shard, below);
    // A mark that was made again just before this purge has still seen what is gone now.
    if (!(await this.#say(shard, logIdentity, below)))
      logger.warn({ shard, below }, 'the mark that says what was trimmed of the shard was lost meanwhile');
    this.#done.set(shard, below);
    return { below, removed };
  }

  /** Whether the mark says now, or said already, that all below may be gone. */
  async #say(shard: number, logIdentity: string, below: number): Promise<boolean> {
    const said = await changeMark(this.#options.ports.marks, shard, (mark) =>
      mark?.log === logIdentity ? trimmedBelow(mark, below) : undefined,
    );
    return says(said, logIdentity, below);
  }

  /** Below which position the messages of a shard can go; nowhere without a mark, which would have to say so. */
  async #pointOf(shard: number, logIdentity: string): Promise<number | undefined> {
    const { ports, logRetentionMs } = this.#options;
    const { mark } = await ports.marks.read(shard);
    if (mark?.log !== logIdentity) return undefined;
    const applied = await ports.progressOf(shard);
    const snapshots = await ports.snapshots.list(shard);
    const look = (proven: ReadonlySet<string>): number | undefined =>
      trimPoint({
        logIdentity,
        applied,
        snapshots: snapshots.map(({ content, summary }) => ({ ...summary, isProven: proven.has(content) })),
        marks: mark.marks,
        keptSince: applied.now - logRetentionMs,
      });
    // Nothing is read back where nothing could go even if all were good.
    const best = look(new Set(snapshots.map(({ content }) => content)));
    if (best === undefined || best <= (this.#done.get(shard) ?? 0)) return undefined;
    return look(await this.#provenOf(shard, snapshots, applied));
  }

  async #provenOf(
    shard: number,
    snapshots: readonly SealedSnapshot[],
    { now }: Progress,
  ): Promise<ReadonlySet<string>> {
    const { ports, logger, metrics } = this.#options;
    const before = this.#proven.get(shard) ?? new Map<string, number>();
    const proven = new Map<string, number>();
    for (const snapshot of snapshots) {
      const { content, summary } = snapshot;
      // It was read back when it was taken, before it was sealed.
      const at = Math.max(summary.now, before.get(content) ?? 0);
      if (now - at <= PROVEN_FOR_MS) {
        proven.set(content, at);
        continue;
      }
      const fault = await ports.snapshots.fault(shard, snapshot);
      if (fault === undefined) proven.set(content, now);
      else {
        metrics.snapshotsRefused.inc();
        logger.error(
          { shard, position: summary.position.seq, reason: fault },
          'a retained snapshot is damaged: the log is not trimmed up to it',
        );
      }
    }
    this.#proven.set(shard, proven);
    return new Set(proven.keys());
  }

  async #removeOrphans(): Promise<void> {
    const { removeOrphans, logger } = this.#options;
    const orphans = await removeOrphans?.().catch((error) => {
      logger.warn({ reason: messageOf(error) }, 'could not remove the chunks of unfinished snapshots');
      return 0;
    });
    if (orphans !== undefined && orphans > 0)
      logger.info({ orphans }, 'removed the chunks of unfinished snapshots');
  }
}

function says(mark: TrimMark | undefined, logIdentity: string, below: number): boolean {
  return mark?.log === logIdentity && mark.below >= below;
}
