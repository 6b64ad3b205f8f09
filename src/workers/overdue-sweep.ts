/** When nobody has swept for long, the owner of a shard does it itself: expiry must not depend on BullMQ being there. */
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import type { Alarms } from './alarms.ts';
import type { WorkerMetrics } from './metrics.ts';
import type { Clock, ShardPublisher } from './ports.ts';

export interface OverdueSweepOptions {
  readonly shard: number;
  readonly clock: Clock;
  readonly publisher: ShardPublisher;
  readonly alarms: Alarms;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
  /** When something has been due for so long, the owner sweeps itself. */
  readonly sweepOverdueMs: number;
}

/** In times of `sweepOverdueMs`: when it has not swept itself for so long, somebody else does again. */
const SWEPT_BY_OTHERS = 3;

export class OverdueSweep {
  readonly #options: OverdueSweepOptions;
  /** Since when (wall clock) something has been due without a Sweep having been applied. */
  #dueSince: number | undefined;
  /** When (wall clock) the owner swept last because nobody else did. */
  #ownSweepAt: number | undefined;

  constructor(options: OverdueSweepOptions) {
    this.#options = options;
  }

  /** A Sweep was applied, whoever sent it. */
  swept(): void {
    this.#dueSince = undefined;
  }

  async look(nextDue: number | undefined): Promise<void> {
    const { clock, sweepOverdueMs, publisher, logger, shard, metrics, alarms } = this.#options;
    const now = clock.now();
    const isDue = (nextDue ?? Number.POSITIVE_INFINITY) <= now;
    this.#dueSince = isDue ? (this.#dueSince ?? now) : undefined;
    // Not with the next Sweep: that is this worker's own.
    if (now - (this.#ownSweepAt ?? now) > SWEPT_BY_OTHERS * sweepOverdueMs) {
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
}
