/** Outcomes as authors of agents read them: with the data of their type, and guards for accepted and rejected ones. */
import { DecisionRejectedError } from '../../lib/errors.ts';
import type { Code } from '../../protocol/codes.ts';
import type { BatchInput, DecisionInput, OutcomeData, SingleType } from '../../protocol/decisions/index.ts';
import { isObject, type Json } from '../../protocol/json.ts';
import type { MemberOutcome, Outcome } from '../../protocol/outcome.ts';

/** A decision as an author writes it: one of the built-in types, or a Batch of them. `id` is chosen when left out. */
export type AnyDecisionInput = DecisionInput | (BatchInput & { readonly onBehalfOf?: string | undefined });
/** A decision of one type, as its author writes it. */
export type InputOf<T extends SingleType> = Extract<DecisionInput, { readonly type: T }>;

/** What became of an accepted decision: its data is that of its type. */
export interface AcceptedOutcome<T extends string = string>
  extends Omit<Outcome, 'status' | 'code' | 'message' | 'transient' | 'data'> {
  readonly status: 'accepted';
  readonly data: T extends keyof OutcomeData ? OutcomeData[T] : Json | undefined;
}

/** What became of a rejected decision: its code names the rule. */
export interface RejectedOutcome extends Omit<Outcome, 'status' | 'code' | 'data'> {
  readonly status: 'rejected';
  /** The one rule that was broken. */
  readonly code: Code;
  /** Of `rate_limited`: `retryAfterMs`. */
  readonly data?: Json;
}

/** The outcome of one type of decision: `status` tells which of the two it is. */
export type OutcomeOf<T extends string> = T extends string ? AcceptedOutcome<T> | RejectedOutcome : never;
/** What became of a decision, accepted or rejected; see {@link isAccepted}. */
export type AnyOutcome = OutcomeOf<string>;

/** Tells an accepted outcome from a rejected one. */
export function isAccepted<O extends { readonly status: string }>(
  outcome: O,
): outcome is O & { readonly status: 'accepted' } {
  return outcome.status === 'accepted';
}

/** Tells a rejected outcome from an accepted one. */
export function isRejected<O extends { readonly status: string }>(
  outcome: O,
): outcome is O & { readonly status: 'rejected' } {
  return outcome.status === 'rejected';
}

/** How long to wait after a `rate_limited` outcome, milliseconds; undefined of any other. */
export function retryAfterMs({
  code,
  data,
}: {
  readonly code?: Code;
  readonly data?: Json;
}): number | undefined {
  if (code !== 'rate_limited' || !isObject(data)) return undefined;
  return typeof data.retryAfterMs === 'number' ? data.retryAfterMs : undefined;
}

/** Gives the accepted outcome on, and throws a {@link DecisionRejectedError} in place of a rejected one. */
export function acceptedOrThrow<O extends AnyOutcome | Outcome | MemberOutcome>(
  outcome: O,
): O & { readonly status: 'accepted' } {
  if (isAccepted(outcome)) return outcome;
  const { code = 'internal_error', message = '' } = outcome as RejectedOutcome;
  throw new DecisionRejectedError(code, message);
}
