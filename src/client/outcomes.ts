/** What the outcome of each type of decision carries, and how to tell an accepted one from a rejected one. */
import { DecisionRejectedError } from '../errors.ts';
import type { Code } from '../protocol/codes.ts';
import type { BatchInput, DecisionInput, SingleType } from '../protocol/decisions/index.ts';
import type { TaskState } from '../protocol/documents.ts';
import type { Json } from '../protocol/json.ts';
import type { MemberOutcome, Outcome } from '../protocol/outcome.ts';

/** A decision as an author writes it: one of the built-in types, or a Batch of them. `id` is chosen when left out. */
export type AnyDecisionInput = DecisionInput | (BatchInput & { readonly onBehalfOf?: string | undefined });
export type InputOf<T extends SingleType> = Extract<DecisionInput, { readonly type: T }>;

/** A task that the agent has just claimed: all that is needed to do it. Times are milliseconds since the epoch. */
export type HeldTask = {
  readonly taskId: string;
  readonly objective: string;
  readonly inputs?: Json;
  readonly evaluator?: Json;
  readonly topic?: string;
  readonly deadline?: number;
  readonly priority: number;
  readonly constraints: { readonly [name: string]: string | number | boolean };
  readonly submitter: string;
  /** 1 for the first try, one more after each failure. */
  readonly attempt: number;
  /** The claim is over at `expiresAt`, log time, unless it is renewed. */
  readonly claim: { readonly epoch: number; readonly expiresAt: number };
};

/** What a Sweep settled, each with its pool. */
export type SweepData = {
  readonly released: readonly ReleasedClaim[];
  readonly failed: readonly { readonly pool: string; readonly taskId: string; readonly cause: string }[];
  readonly cancelled: readonly { readonly pool: string; readonly taskId: string }[];
  readonly unblocked: readonly { readonly pool: string; readonly taskId: string }[];
  readonly expiredMembers: readonly { readonly pool: string; readonly agent: string }[];
  readonly removedTasks: number;
  readonly removedPools: number;
  readonly forgottenOutcomes: number;
  /** Something due is left: sweep again. */
  readonly more: boolean;
};

/** A claim that came to its end before the task did. */
export type ReleasedClaim = {
  readonly pool: string;
  readonly taskId: string;
  readonly agent: string;
  readonly epoch: number;
};

/** `data` of an accepted outcome, by the type of the decision; types that are not listed have none. */
export interface OutcomeData {
  readonly CreatePool: { readonly pool: string };
  readonly JoinPool: { readonly capabilities: readonly string[] };
  /** Ids of the tasks that went back to pending. */
  readonly LeavePool: { readonly released: readonly string[] };
  readonly SubmitTask: { readonly taskId: string; readonly state: TaskState };
  readonly ClaimTask: HeldTask;
  readonly ClaimNextTask: { readonly tasks: readonly HeldTask[] };
  readonly RenewClaim: { readonly epoch: number; readonly expiresAt: number };
  readonly Sweep: SweepData;
  readonly Batch: { readonly outcomes: readonly MemberOutcome[] };
}

export interface AcceptedOutcome<T extends string = string>
  extends Omit<Outcome, 'status' | 'code' | 'message' | 'transient' | 'data'> {
  readonly status: 'accepted';
  readonly data: T extends keyof OutcomeData ? OutcomeData[T] : Json | undefined;
}

export interface RejectedOutcome extends Omit<Outcome, 'status' | 'code' | 'data'> {
  readonly status: 'rejected';
  /** The one rule that was broken. */
  readonly code: Code;
}

/** The outcome of one type of decision: `status` tells which of the two it is. */
export type OutcomeOf<T extends string> = T extends string ? AcceptedOutcome<T> | RejectedOutcome : never;
export type AnyOutcome = OutcomeOf<string>;

export function isAccepted<O extends { readonly status: string }>(
  outcome: O,
): outcome is O & { readonly status: 'accepted' } {
  return outcome.status === 'accepted';
}

export function isRejected<O extends { readonly status: string }>(
  outcome: O,
): outcome is O & { readonly status: 'rejected' } {
  return outcome.status === 'rejected';
}

/** Gives the accepted outcome on, and throws a {@link DecisionRejectedError} in place of a rejected one. */
export function acceptedOrThrow<O extends AnyOutcome | Outcome | MemberOutcome>(
  outcome: O,
): O & { readonly status: 'accepted' } {
  if (isAccepted(outcome)) return outcome;
  const { code = 'internal_error', message = '' } = outcome as RejectedOutcome;
  throw new DecisionRejectedError(code, message);
}
