/** The messages to which a Clock refers, as a worker reads it from the log before its turn comes. */
import { isClockSound } from '../../handlers/sweep/clock.ts';
import type { DecodedMessage } from '../shard/decide-batch.ts';

export interface ClockRange {
  readonly seq: number;
  readonly from: number;
  readonly to: number;
}

/** One that says nothing about what stands before it is none. */
export function rangeOf({ message, decoded }: DecodedMessage): ClockRange[] {
  if (decoded.kind !== 'decision' || decoded.decision.type !== 'Clock') return [];
  const { decision } = decoded;
  const { seq } = message;
  return isClockSound(decision, seq) ? [{ seq, from: decision.from, to: decision.to }] : [];
}
