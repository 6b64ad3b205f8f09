/** The parts of outcomes that have a name (docs/protocol.md); what each type of decision says is in `decisions/index.ts`. */
import type { Json } from './json.ts';
import type { VoteResult } from './votes.ts';

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

/** A task that was handed over to a standing offer of the agent: all that is needed to do it, and which offer that is. */
export type HandedTask = HeldTask & { readonly offer: string };

/**
 * What the author of a decision was handed because of it. Of an outcome that would be too large only what fits is here; the query
 * `tasks` has the rest.
 */
export type Handed = { readonly handed?: readonly HandedTask[] };

/** A claim that was handed over and has not been begun. */
export type UnstartedClaim = { readonly taskId: string; readonly epoch: number; readonly expiresAt: number };

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
  /** Tasks that were handed over to agents that stand by. */
  readonly matched: number;
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
export type OfferData<State extends string> = {
  readonly sessionId: string;
  readonly proposalId: string;
  readonly state: State;
};

/** How a vote stands after a ballot or its close; the tally is in the vote itself. */
export type VoteData<State extends 'open' | 'closed' = 'open' | 'closed'> = {
  readonly voteId: string;
  readonly state: State;
  /** Of one that is closed: why it has a winner, or none. */
  readonly why?: VoteResult['why'];
  readonly winner?: string;
};

/** `data` of decisions of system operators about all pools of a shard at once. */
export interface ShardOutcomeData {
  /** Claims that are over, and pools in which the agent was a member, held some or had bids. */
  readonly BanAgent: { readonly released: number; readonly pools: number };
  readonly UnbanAgent: Readonly<Record<string, never>>;
}
