/**
 * Whether the time that the log claims is believed before anything is decided by it. A message that is stamped ahead of
 * the true time would move the log's time there, and everything that is due until then would end; so the shard stands
 * still before it, and goes on by itself when the time has come. Stamps in the past are always trusted: after
 * a week without anything, or behind a backlog, stamps are old and right.
 */
import type { Logger } from 'pino';
import { carriedTime, type DecodedMessage } from '../shard/decide-batch.ts';
import type { Clock } from '../shard/ports.ts';

/** The true time as a shard worker needs it; `TrueTime` implements it. */
export interface TimeSource {
  now(): number | undefined;
  readonly doubtMs: number;
  readonly acceptedUntil: number;
  readonly isLogBehind: boolean;
  suspectLog(): void;
  sawAhead(skewMs: number): void;
}

/** A log may claim a time that is so far ahead, and not more. */
export const AHEAD_BOUND_MS = 10_000;
const WARN_FROM_MS = 1_000;
const WARN_EVERY_MS = 60_000;

export interface Untimely {
  readonly alarm: 'clock_log' | 'clock_unknown';
  readonly reason: string;
}

export interface LogTimeOptions {
  /** Left out where a log is applied again: its time is what it says. */
  readonly time: TimeSource | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class LogTime {
  readonly #options: LogTimeOptions;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(options: LogTimeOptions) {
    this.#options = options;
  }

  /** How many of these messages may be applied now, from the first on, and why not the next one. */
  admit(
    batch: readonly DecodedMessage[],
    isDistrusted: (seq: number) => boolean,
  ): { readonly count: number; readonly untimely?: Untimely } {
    const { time } = this.#options;
    if (time === undefined || batch.length === 0) return { count: batch.length };
    const now = time.now();
    if (now === undefined) {
      const reason = 'the clocks do not agree on the time';
      return { count: 0, untimely: { alarm: 'clock_unknown', reason } };
    }
    const bound = Math.max(now + AHEAD_BOUND_MS - time.doubtMs, time.acceptedUntil);
    const count = batch.findIndex((entry) => claimedTime(entry) > bound && !isDistrusted(entry.message.seq));
    const [first] = count === -1 ? [] : batch.slice(count);
    if (first === undefined) {
      this.#warn(batch, now, isDistrusted);
      return { count: batch.length };
    }
    const aheadMs = claimedTime(first) - now;
    time.sawAhead(aheadMs);
    const reason = `message ${first.message.seq} is stamped ${seconds(aheadMs)} s ahead of the true time`;
    return { count, untimely: { alarm: 'clock_log', reason } };
  }

  #warn(batch: readonly DecodedMessage[], now: number, isDistrusted: (seq: number) => boolean): void {
    const { clock, logger, time } = this.#options;
    let latest = Number.NEGATIVE_INFINITY;
    for (const entry of batch) {
      if (!isDistrusted(entry.message.seq)) latest = Math.max(latest, claimedTime(entry));
    }
    if (latest - now < WARN_FROM_MS + (time?.doubtMs ?? 0)) return;
    time?.sawAhead(latest - now);
    if (clock.monotonic() - this.#warnedAt < WARN_EVERY_MS) return;
    this.#warnedAt = clock.monotonic();
    logger.warn({ aheadSeconds: seconds(latest - now) }, 'the clock of the log is ahead of the true time');
  }
}

/** Lower bound of log time after the message has been applied. */
export function claimedTime({ message, decoded }: DecodedMessage): number {
  return Math.max(message.at, carriedTime(decoded));
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
