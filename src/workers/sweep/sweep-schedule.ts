/**
 * When the sweeper runs: a BullMQ job scheduler, shared by all workers, one run at a time on one of them. The job's
 * return value is how much was settled, and is kept with the last jobs.
 */
import { Queue, Worker } from 'bullmq';
import type { Logger } from 'pino';
import { messageOf, UnavailableError } from '../../lib/errors.ts';
import { Periodic } from '../../lib/periodic.ts';
import { within } from '../../lib/within.ts';
import type { SystemKeys } from '../../state/keys.ts';
import type { Redis } from '../../state/redis.ts';
import type { WorkerMetrics } from '../health/metrics.ts';
import type { TimeSource } from '../time/log-time.ts';
import { countsOf, type SweepCounts, type Sweeper } from './sweeper.ts';

export interface SweepScheduleOptions {
  readonly sweeper: Sweeper;
  /** A connection as BullMQ wants it, one for the queue and one that blocks; a third for what is kept of sweeps. */
  readonly redis: { readonly queue: Redis; readonly worker: Redis; readonly reads: Redis };
  readonly keys: SystemKeys;
  readonly everyMs: number;
  readonly time: Pick<TimeSource, 'now'>;
  /** Told after each sweep, on the worker whose turn it was. */
  readonly afterSweep: () => void;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
}

const QUEUE = 'sweep';
const KEPT_JOBS = 100;
/** A flushed Redis loses the schedule without an error, so it is registered again now and then. */
const RENEW_SCHEDULE_EVERY = 5;
/** In intervals: a next run that is further away was not meant. */
const FAR_FUTURE = 3;
const CLOSE_WITHIN_MS = 3_000;

export class SweepSchedule {
  readonly #options: SweepScheduleOptions;
  readonly #queue: Queue;
  readonly #worker: Worker<unknown, SweepCounts>;
  readonly #renewal: Periodic;

  constructor(options: SweepScheduleOptions) {
    this.#options = options;
    const { redis, keys, everyMs, logger } = options;
    this.#renewal = new Periodic({
      everyMs: everyMs * RENEW_SCHEDULE_EVERY,
      run: () => this.#schedule(),
      onError: (error) => logger.warn({ reason: messageOf(error) }, 'could not register the sweep schedule'),
    });
    this.#queue = new Queue(QUEUE, {
      connection: redis.queue,
      prefix: keys.bullPrefix,
      skipVersionCheck: true,
    });
    // The worker has to ask for the version: without it, it waits in whole seconds, however short the interval is.
    this.#worker = new Worker<unknown, SweepCounts>(QUEUE, () => this.#sweep(), {
      connection: redis.worker,
      prefix: keys.bullPrefix,
      concurrency: 1,
      lockDuration: Math.max(10_000, everyMs * 5),
      stalledInterval: Math.max(5_000, everyMs * 5),
      maxStalledCount: 1_000_000,
    });
    this.#queue.on('error', () => undefined);
    this.#worker.on('error', () => undefined);
    this.#worker.on('failed', (_job, error) => {
      options.metrics.sweeps.inc({ result: 'failed' });
      logger.warn({ reason: messageOf(error) }, 'could not sweep');
    });
  }

  async start(): Promise<void> {
    this.#offerFigure();
    await this.#schedule();
    this.#renewal.start();
  }

  /** Closing waits for the current job; if Redis is gone, it would wait forever. */
  async close(): Promise<void> {
    void this.#renewal.stop();
    const closed = Promise.all([this.#worker.close(), this.#queue.close()]).catch(() => undefined);
    await within(CLOSE_WITHIN_MS, closed, () => undefined);
  }

  #offerFigure(): void {
    const { redis, keys, metrics, time } = this.#options;
    metrics.gauge(
      'converge_last_sweep_age_seconds',
      'Time since the newest sweep that succeeded',
      async () => {
        const json = await redis.reads.get(keys.lastSweep);
        const at: unknown = json === null ? undefined : Reflect.get(JSON.parse(json), 'at');
        const now = time.now();
        return typeof at === 'number' && now !== undefined ? (now - at) / 1_000 : Number.NaN;
      },
    );
  }

  async #schedule(): Promise<void> {
    await this.#forgetFarFuture();
    await this.#queue.upsertJobScheduler(
      QUEUE,
      { every: this.#options.everyMs },
      { name: QUEUE, opts: { removeOnComplete: { count: KEPT_JOBS }, removeOnFail: { count: KEPT_JOBS } } },
    );
  }

  /**
   * The next run is scheduled by the clock of the worker that ran the last one. If that was an hour ahead, no one would sweep
   * for an hour, no matter how often the same schedule is registered again.
   */
  async #forgetFarFuture(): Promise<void> {
    const { everyMs, logger } = this.#options;
    const { next } = (await this.#queue.getJobScheduler(QUEUE)) ?? {};
    const now = this.#options.time.now();
    if (now === undefined) return;
    const inMs = (next ?? 0) - now;
    if (inMs <= everyMs * FAR_FUTURE) return;
    logger.warn(
      { inMs },
      'the next sweep is far in the future: a clock was wrong: registering the schedule again',
    );
    await this.#queue.removeJobScheduler(QUEUE);
  }

  async #sweep(): Promise<SweepCounts> {
    const { sweeper, redis, keys, metrics, logger, time } = this.#options;
    const now = time.now();
    if (now === undefined) throw new UnavailableError('the clocks do not agree on the time');
    const summary = await sweeper.runOnce(Math.floor(now));
    const { at, durationMs, sweeps, late } = summary;
    if (late.length > 0) logger.warn({ late }, 'shards did not answer a sweep in time');
    else await redis.reads.set(keys.lastSweep, JSON.stringify({ at, durationMs, sweeps }));
    this.#options.afterSweep();
    metrics.sweeps.inc({ result: late.length > 0 ? 'late' : 'succeeded' });
    return countsOf(summary);
  }
}
