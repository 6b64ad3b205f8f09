/**
 * A Clock changes nothing when its turn comes: what it is about stands before it and was applied with it known. It only
 * has to be about what stands before it.
 */
import type { ClockDecision } from '../../protocol/decisions/index.ts';
import type { AppliedDecision } from '../kernel/applied.ts';
import type { Context } from '../kernel/handler.ts';

export function isClockSound({ from, to }: ClockDecision, seq: number): boolean {
  return from <= to && to < seq;
}

export function applyClock(clock: ClockDecision, { seq }: Context): AppliedDecision {
  const { from, to } = clock;
  const rest = { events: [], forgottenOutcomes: 0 };
  if (isClockSound(clock, seq)) return { status: 'accepted', data: { from, to }, ...rest };
  const message = `from ${from} to ${to}: a Clock refers to messages before it, and it is message ${seq}`;
  return { status: 'rejected', code: 'invalid_decision', message, ...rest };
}
