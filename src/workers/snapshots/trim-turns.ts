/**
 * Whose turn it is to trim the log: after a sweep, now and then, that of the worker which has swept. The next sweep does
 * not wait for it.
 */
import type { Logger } from 'pino';
import { messageOf } from '../../lib/errors.ts';
import type { Redis } from '../../state/redis.ts';
import type { LogTrimmer } from './log-trimmer.ts';

export interface TrimTurnsOptions {
  readonly trimmer: LogTrimmer;
  readonly redis: Redis;
  /** Held by the worker whose turn it was, until the next one is due. */
  readonly key: string;
  readonly workerId: string;
  readonly snapshotEveryMs: number;
  readonly logger: Logger;
}

/** The log is trimmed as often as snapshots are taken, within reason. */
const LEAST_TRIM_MS = 1_000;
const MOST_TRIM_MS = 60_000;

export class TrimTurns {
  readonly #options: TrimTurnsOptions;
  #underWay: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: TrimTurnsOptions) {
    this.#options = options;
  }

  /** Returns at once; a turn under way is the only one. */
  offer(): void {
    if (this.#underWay !== undefined || this.#isClosed) return;
    this.#underWay = this.#trimIfDue()
      .catch((error) => this.#options.logger.warn({ reason: messageOf(error) }, 'could not trim the log'))
      .finally(() => {
        this.#underWay = undefined;
      });
  }

  /** Takes no more turns from now on; resolves when the one under way is over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#underWay;
  }

  async #trimIfDue(): Promise<void> {
    const { trimmer, redis, key, workerId, snapshotEveryMs } = this.#options;
    const everyMs = Math.max(LEAST_TRIM_MS, Math.min(MOST_TRIM_MS, snapshotEveryMs));
    if ((await redis.set(key, workerId, 'PX', everyMs, 'NX')) !== 'OK') return;
    await trimmer.runOnce();
  }
}
