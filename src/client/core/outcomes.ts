/** The data in the outcome of each type of decision, and guards for accepted and rejected ones. */
import { DecisionRejectedError } from '../../lib/errors.ts';
import type { UnsoldReason } from '../../protocol/auctions.ts';
import type { Code } from '../../protocol/codes.ts';
import type { BatchInput, DecisionInput, SingleType } from '../../protocol/decisions/index.ts';
import type { TaskState } from '../../protocol/documents.ts';
import { isObject, type Json } from '../../protocol/json.ts';
import type { MemberOutcome, Outcome } from '../../protocol/outcome.ts';
import type { VoteResult, VoterCount } from '../../protocol/votes.ts';

/** A decision as an author writes it: one of the built-in types, or a Batch of them. `id` is chosen when left out. */
export type AnyDecisionInput = DecisionInput | (BatchInput & { readonly onBehalfOf?: string | undefined });
/** A decision of one type, as its author writes it. */
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

/** The entities that a Sweep settled: names of some, each with its pool, and their number. */
export type SweepData = {
  readonly released: readonly ReleasedClaim[];
  readonly failed: readonly { readonly pool: string; readonly taskId: string; readonly cause: string }[];
  readonly cancelled: readonly { readonly pool: string; readonly taskId: string }[];
  readonly unblocked: readonly { readonly pool: string; readonly taskId: string }[];
  readonly expiredMembers: readonly { readonly pool: string; readonly agent: string }[];
  readonly closed: readonly { readonly pool: string; readonly entity: string; readonly event: string }[];
  /** How many of each kind there were; of more than a hundred, or of long names, not all are named. */
  readonly counts: Readonly<
    Record<'released' | 'failed' | 'cancelled' | 'unblocked' | 'expiredMembers' | 'closed', number>
  >;
  readonly removedTasks: number;
  readonly removedPools: number;
  readonly forgottenOutcomes: number;
  /** Something due is left: sweep again. */
  readonly more: boolean;
};

/** Tasks that the agent no longer holds, at most 200 of them, and how many there are. */
export type ReleasedData = { readonly released: readonly string[]; readonly count: number };

/** Claims and memberships that a system-wide ban ended in one shard. */
export type ShardBanData = { readonly released: number; readonly pools: number };

/** A claim that came to its end before the task did. */
export type ReleasedClaim = {
  readonly pool: string;
  readonly taskId: string;
  readonly agent: string;
  readonly epoch: number;
};

/** The state of the session after a proposal. */
type OfferData<State extends string> = {
  readonly sessionId: string;
  readonly proposalId: string;
  readonly state: State;
};

/** How a vote stands after a ballot or its close; the tally is in the vote itself. */
type VoteData<State extends 'open' | 'closed' = 'open' | 'closed'> = {
  readonly voteId: string;
  readonly state: State;
  /** Of one that is closed: why it has a winner, or none. */
  readonly why?: VoteResult['why'];
  readonly winner?: string;
};

/** `data` of an accepted outcome, by the type of the decision; types that are not listed have none. */
export interface OutcomeData {
  readonly CreatePool: { readonly pool: string };
  readonly JoinPool: { readonly capabilities: readonly string[] };
  /** Ids of the tasks that went back to pending. */
  readonly LeavePool: ReleasedData;
  readonly SubmitTask: { readonly taskId: string; readonly state: TaskState };
  readonly ClaimTask: HeldTask;
  readonly ClaimNextTask: { readonly tasks: readonly HeldTask[] };
  readonly RenewClaim: { readonly epoch: number; readonly expiresAt: number };
  readonly OpenAuction: { readonly auctionId: string; readonly closesAt: number };
  /** English: who leads, at what price, until when. Dutch: what the bid has won, with a task all that it takes to do it. */
  readonly SubmitBid: {
    readonly auctionId: string;
    readonly leader?: string;
    readonly price?: string;
    readonly closesAt?: number;
    readonly winner?: string;
    readonly task?: HeldTask;
  };
  /** Without `state` the auction came to nothing, because its task had ended. */
  readonly CloseAuction: {
    readonly auctionId: string;
    readonly state?: 'awarded' | 'unsold';
    readonly winner?: string;
    readonly price?: string;
    readonly why?: UnsoldReason;
  };
  readonly OpenVote: { readonly voteId: string; readonly state: 'open'; readonly eligible: VoterCount };
  readonly Vote: VoteData;
  readonly CloseVote: VoteData<'closed'>;
  readonly OpenNegotiation: OfferData<'proposed'>;
  readonly Propose: OfferData<'countered'>;
  /** `missing`: who has not accepted the offer yet. */
  readonly AcceptProposal: OfferData<'proposed' | 'countered' | 'accepted'> & {
    readonly missing: readonly string[];
  };
  readonly RejectProposal: OfferData<'rejected'>;
  /** `expiresAt` also where it was not asked for: what is passed on ends with what it rests on. */
  readonly Delegate: { readonly delegationId: string; readonly expiresAt?: number };
  /** Itself first, then what was passed on from it. */
  readonly RevokeDelegation: { readonly revoked: readonly string[]; readonly count: number };
  readonly ForceRelease: { readonly agent: string; readonly epoch: number };
  /** Tasks that went back to pending. */
  readonly RemoveMember: ReleasedData;
  readonly BanAgent: ReleasedData;
  readonly Sweep: SweepData;
  readonly Batch: { readonly outcomes: readonly MemberOutcome[] };
}

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
