/**
 * The time of one shard: which messages of its log may be applied now, and of which the stamp does not count because an
 * operator said so. Such a word (`Clock`) stands behind what it is about; so all of them are read before the shard reads
 * on, and each second while it stands still.
 */

import { type LogMessage, messageHash } from '../../bus/log-message.ts';
import { LogInterruptedError } from '../../lib/errors.ts';
import type { LogPlace } from '../../protocol/decode.ts';
import { defined } from '../../protocol/defined.ts';
import type { Alarms } from '../health/alarms.ts';
import { type DecodedMessage, decodeMessages } from '../shard/decide-batch.ts';
import { ShardHaltedError } from '../shard/halting.ts';
import type { Loaded } from '../shard/load-shard.ts';
import type { ShardLog } from '../shard/ports.ts';
import { type ClockRange, rangeOf } from './clock-range.ts';
import { expectKnownClock, newestClock } from './known-clock.ts';
import { AHEAD_BOUND_MS, LogTime, type LogTimeOptions, type Untimely } from './log-time.ts';

export interface ShardTimeOptions extends LogTimeOptions, LogPlace {
  readonly log: Pick<ShardLog, 'clocks' | 'read'>;
  readonly alarms: Alarms;
}

export class ShardTime {
  readonly #options: ShardTimeOptions;
  readonly #logTime: LogTime;
  #clocks: readonly ClockRange[] = [];

  constructor(options: ShardTimeOptions) {
    this.#options = options;
    this.#logTime = new LogTime(options);
  }

  /** To be asked before the shard reads on. Throws when a Clock is about what was applied without it, or is gone after all. */
  async readClocks(loaded: Loaded): Promise<void> {
    const { log } = this.#options;
    const found = await log.clocks(loaded.position.seq);
    expectKnownClock(loaded.clock, found, loaded.position.seq);
    this.#clocks = decodeMessages(found, this.#options).flatMap(rangeOf);
    for (const { seq, from, to } of this.#clocks) {
      if (seq <= (loaded.clock?.seq ?? 0) || from > loaded.position.seq) continue;
      throw new ShardHaltedError(
        'clock_late',
        `Clock ${seq} says that the stamps of ${from} to ${to} do not count, but ${loaded.position.seq} is already applied: stop all workers and run converge rebuild --force`,
      );
    }
    loaded.clock = newestClock(loaded.clock, found);
  }

  /**
   * The log may be made again, or lose its end, while a shard waits before one of its messages. Then there is nothing to wait
   * for: throws {@link LogInterruptedError}, so that the log is verified and read again.
   */
  async expectHeld({ seq, ...message }: LogMessage): Promise<void> {
    const held = await this.#options.log.read(seq);
    if (held !== undefined && messageHash(held) === messageHash(message)) return;
    throw new LogInterruptedError(
      `the log does not hold message ${seq} any longer, before which the shard waited`,
    );
  }

  isDistrusted(seq: number): boolean {
    return this.#clocks.some(({ from, to }) => from <= seq && seq <= to);
  }

  /** The messages that may be applied now, from the first on; and why not the next one. */
  async admit(
    batch: readonly DecodedMessage[],
    loaded: Loaded,
  ): Promise<{ readonly admitted: readonly DecodedMessage[]; readonly untimely?: Untimely }> {
    // One that nobody knew of when the shard read on: what it is about is applied, or stands in this batch.
    if (batch.some((entry) => isClock(entry) && entry.message.seq > (loaded.clock?.seq ?? 0)))
      await this.readClocks(loaded);
    const { count, untimely } = this.#logTime.admit(batch, (seq) => this.isDistrusted(seq));
    const admitted = count === batch.length ? batch : batch.slice(0, count);
    return { admitted, ...defined({ untimely }) };
  }

  /** Is the shard's own time ahead of the true one? Then its log was poisoned once, and nothing expires for so long. */
  look({ now: logTime }: Loaded): void {
    const { time, alarms, shard } = this.#options;
    const now = time?.now();
    if (time === undefined || now === undefined) return;
    const aheadMs = logTime - now;
    if (aheadMs <= AHEAD_BOUND_MS + time.doubtMs) alarms.clear('clock_ahead', shard);
    else {
      const message =
        'the time of this shard is ahead: nothing expires until then (converge clock distrust --whole --dry-run shows the messages)';
      alarms.raise('clock_ahead', shard, message, { aheadSeconds: Math.round(aheadMs / 1_000) });
    }
  }
}

function isClock({ decoded }: DecodedMessage): boolean {
  return decoded.kind === 'decision' && decoded.decision.type === 'Clock';
}
