/** Without a sweep for some time, the owner of a shard sweeps it itself: expiry must not depend on BullMQ. */
import type { Logger } from 'pino';
import { messageOf } from '../../lib/errors.ts';
import type { Alarms } from '../health/alarms.ts';
import type { WorkerMetrics } from '../health/metrics.ts';
import type { TimeSource } from '../time/log-time.ts';
import { type DecidedBatch, type DecodedMessage, isWholeSweep } from './decide-batch.ts';
import type { Clock, ShardPublisher } from './ports.ts';

export interface OverdueSweepOptions {
  readonly shard: number;
  readonly clock: Clock;
  /** Undefined during a replay: then nothing is ever due. */
  readonly time?: TimeSource;
  readonly publisher: ShardPublisher;
  readonly alarms: Alarms;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
  /** When something has been due for this long, the owner sweeps itself. */
  readonly sweepOverdueMs: number;
}

type Decided = Pick<DecidedBatch, 'events' | 'forgottenOutcomes' | 'now'>;

/** In multiples of `sweepOverdueMs`: when it has not swept itself for this long, the sweeper works again. */
const SWEPT_BY_OTHERS = 3;
/** How often a Sweep carries the time while the log's clock is behind. */
const CARRY_EVERY_MS = 1_000;
/** Something due for this long and not settled: is the clock of the log behind? */
const SUSPECT_AFTER_MS = 2_000;

/** Whether something is due is judged by the true time; for how long, by the monotonic clock. */
export class OverdueSweep {
  readonly #options: OverdueSweepOptions;
  /** Since when something has been due without a Sweep having been applied: monotonic. */
  #dueSince: number | undefined;
  /** When the owner last swept by itself: monotonic. */
  #ownSweepAt: number | undefined;
  #carriedAt = Number.NEGATIVE_INFINITY;
  /** The owner swept by itself, and no Sweep has been applied since. */
  #isUnderWay = false;
  /** That Sweep settled something and left something that was due. */
  #goesOn = false;

  constructor(options: OverdueSweepOptions) {
    this.#options = options;
  }

  /** Was that a Sweep, from any sender? `due` is when the next thing falls due that it has left. */
  applied(batch: readonly DecodedMessage[], decided: Decided, due: number | undefined): void {
    const [first] = batch;
    if (first === undefined || !isWholeSweep(first)) return;
    const { events, forgottenOutcomes, now } = decided;
    const hasSettled = events.length + forgottenOutcomes > 0;
    this.#dueSince = undefined;
    // The sweeper goes on at once with what its own Sweeps leave, and so does the owner.
    this.#goesOn = this.#isUnderWay && hasSettled && (due ?? Number.POSITIVE_INFINITY) <= now;
    this.#isUnderWay = false;
  }

  async look(nextDue: number | undefined): Promise<void> {
    const { clock, time, sweepOverdueMs, shard, metrics, alarms } = this.#options;
    const trueTime = time?.now();
    if (time === undefined || trueTime === undefined) return;
    const now = clock.monotonic();
    const lateMs = trueTime - (nextDue ?? Number.POSITIVE_INFINITY);
    if (lateMs > SUSPECT_AFTER_MS) time.suspectLog();
    if (time.isLogBehind && now - this.#carriedAt >= CARRY_EVERY_MS) {
      this.#carriedAt = now;
      await this.#sweep(Math.floor(trueTime));
    }
    this.#dueSince = lateMs >= 0 ? (this.#dueSince ?? now) : undefined;
    // Not with the next Sweep: that is this worker's own.
    if (now - (this.#ownSweepAt ?? now) > SWEPT_BY_OTHERS * sweepOverdueMs) {
      this.#ownSweepAt = undefined;
      alarms.clear('sweep_overdue', shard);
    }
    if (this.#dueSince === undefined) return;
    const overdueMs = now - this.#dueSince;
    if (overdueMs < sweepOverdueMs && !this.#goesOn) return;
    if (!this.#goesOn) {
      alarms.raise('sweep_overdue', shard, 'no sweep arrives: the owner of the shard sweeps it', {
        overdueMs,
      });
    }
    this.#goesOn = false;
    this.#dueSince = now;
    this.#ownSweepAt = now;
    metrics.ownSweeps.inc();
    await this.#sweep(undefined);
  }

  async #sweep(at: number | undefined): Promise<void> {
    const { publisher, shard, logger } = this.#options;
    this.#isUnderWay = true;
    await publisher
      .sweep(shard, at)
      .catch((error) => logger.warn({ reason: messageOf(error) }, 'could not sweep'));
  }
}
