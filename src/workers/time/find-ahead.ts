/** Which messages of a shard's log were stamped ahead of the true time: what a Clock has to be about. */
import type { DecodedMessage } from '../shard/decide-batch.ts';
import { type ClockRange, rangeOf } from './clock-range.ts';
import { claimedTime } from './log-time.ts';

export interface Stamped {
  readonly seq: number;
  /** Lower bound of log time after the message has been applied. */
  readonly at: number;
}

export interface AheadRange {
  readonly from: number;
  readonly to: number;
  /** How far the furthest of them is ahead, milliseconds. */
  readonly aheadMs: number;
}

/**
 * From the first to the last that is more than `boundMs` ahead of now. Undefined when none is. That a later message has an
 * earlier stamp says nothing: the clock may have been behind then. Messages between the two are distrusted as well: their
 * stamps may be right, but nothing of it can have been applied before the first.
 */
export function findAhead(
  messages: readonly Stamped[],
  now: number,
  boundMs: number,
): AheadRange | undefined {
  let range: AheadRange | undefined;
  for (const { seq, at } of messages) {
    const aheadMs = at - now;
    if (aheadMs <= boundMs) continue;
    range = { from: range?.from ?? seq, to: seq, aheadMs: Math.max(aheadMs, range?.aheadMs ?? 0) };
  }
  return range;
}

/** The stamps of some messages that count, as far as the Clocks among them say. */
export function undoubted(messages: readonly DecodedMessage[]): Stamped[] {
  const stamps = messages.map((entry) => ({ seq: entry.message.seq, at: claimedTime(entry) }));
  return withoutSaid(stamps, messages);
}

/** Without what Clocks have said already. */
export function withoutSaid(stamps: readonly Stamped[], clocks: readonly DecodedMessage[]): Stamped[] {
  const ranges: ClockRange[] = clocks.flatMap(rangeOf);
  return stamps.filter(({ seq }) => !ranges.some(({ from, to }) => from <= seq && seq <= to));
}
