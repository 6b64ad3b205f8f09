/** What the outcome of each type of decision says when it is accepted (docs/protocol.md): one declaration for handlers and authors. */
import type { UnsoldReason } from './auctions.ts';
import type { TaskState } from './documents.ts';
import type { Json } from './json.ts';
import type { MemberOutcome } from './outcome.ts';
import type { VoteResult, VoterCount } from './votes.ts';

/** A task that the agent has just claimed: all that is needed to do it. Times are milliseconds since the epoch. */
export type HeldTask = {
  readonly taskId: string;
  readonly objective: string;
  readonly inputs?: Json | undefined;
  readonly evaluator?: Json | undefined;
  readonly topic?: string | undefined;
  readonly deadline?: number | undefined;
  readonly priority: number;
  readonly constraints: { readonly [name: string]: string | number | boolean | undefined };
  readonly submitter: string;
  /** 1 for the first try, one more after each failure. */
  readonly attempt: number;
  /** The claim is over at `expiresAt`, log time, unless it is renewed. */
  readonly claim: { readonly epoch: number; readonly expiresAt: number };
};

/** The kinds of which a Sweep tells names. Auctions, votes, negotiations and delegations that time ended are `closed`. */
export type SweptNames = {
  readonly released: readonly ReleasedClaim[];
  readonly failed: readonly { readonly pool: string; readonly taskId: string; readonly cause: string }[];
  readonly cancelled: readonly { readonly pool: string; readonly taskId: string }[];
  readonly unblocked: readonly { readonly pool: string; readonly taskId: string }[];
  readonly expiredMembers: readonly { readonly pool: string; readonly agent: string }[];
  readonly closed: readonly { readonly pool: string; readonly entity: string; readonly event: string }[];
};

/** The entities that a Sweep settled: names of some, each with its pool, and their number. */
export type SweepData = SweptNames & {
  /** How many of each kind there were; of more than a hundred, or of long names, not all are named. */
  readonly counts: Readonly<Record<keyof SweptNames, number>>;
  readonly removedTasks: number;
  readonly removedPools: number;
  /** Auctions, votes, negotiations and delegations that had been kept long enough. */
  readonly removedEntities: number;
  readonly forgottenOutcomes: number;
  /** Something due is left: sweep again. */
  readonly more: boolean;
};

/** Tasks that the agent no longer holds, at most 200 of them, and how many there are. */
export type ReleasedData = { readonly released: readonly string[]; readonly count: number };

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

/**
 * `data` of an accepted outcome, by the type of the decision; undefined where there is none. The handler of a type returns
 * what is stated here, and a type that is missing does not compile.
 */
export interface OutcomeData {
  readonly CreatePool: { readonly pool: string };
  readonly JoinPool: { readonly capabilities: readonly string[] };
  /** Ids of the tasks that went back to pending. */
  readonly LeavePool: ReleasedData;
  readonly Heartbeat: undefined;
  readonly ClosePool: undefined;
  readonly UpdatePool: undefined;
  readonly PausePool: undefined;
  readonly ResumePool: undefined;
  readonly ForceRelease: { readonly agent: string; readonly epoch: number };
  /** Tasks that went back to pending. */
  readonly RemoveMember: ReleasedData;
  readonly BanAgent: ReleasedData;
  readonly UnbanAgent: undefined;
  readonly SubmitTask: { readonly taskId: string; readonly state: TaskState };
  readonly ClaimTask: HeldTask;
  readonly ClaimNextTask: { readonly tasks: readonly HeldTask[] };
  readonly RenewClaim: { readonly epoch: number; readonly expiresAt: number };
  readonly ReleaseTask: undefined;
  readonly ReportTask: undefined;
  /** For the holder of the claim: failures so far, this one among them. None for submitters and operators. */
  readonly FailTask: { readonly failures: number; readonly maxAttempts: number } | undefined;
  readonly CancelTask: undefined;
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
  readonly CancelAuction: undefined;
  readonly OpenVote: {
    readonly voteId: string;
    readonly state: 'open';
    readonly eligible: Readonly<VoterCount>;
  };
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
  readonly Sweep: SweepData;
  readonly Batch: { readonly outcomes: readonly MemberOutcome[] };
}

/** The same of decisions of system operators about all pools of a shard at once. */
export interface ShardOutcomeData {
  /** Claims that are over, and pools in which the agent was a member, held some or had bids. */
  readonly BanAgent: { readonly released: number; readonly pools: number };
  readonly UnbanAgent: Readonly<Record<string, never>>;
}
