/**
 * The registry of decision types: every type with its schema, and with the data of its outcome. A type that is not listed
 * here does not exist: `unknown_type`.
 */
import { z } from 'zod';
import { type DecisionFamily, FAMILY_OF_TYPE } from '../../rules/index.ts';
import type { UnsoldReason } from '../auctions.ts';
import type { TaskState } from '../documents.ts';
import { MAX_BATCH } from '../limits.ts';
import type { PublicOffer } from '../offers.ts';
import type { MemberOutcome } from '../outcome.ts';
import type {
  Handed,
  HeldTask,
  OfferData,
  ReleasedData,
  SweepData,
  UnstartedClaim,
  VoteData,
} from '../outcome-data.ts';
import type { VoterCount } from '../votes.ts';
import {
  cancelAuctionSchema,
  closeAuctionSchema,
  extendAuctionSchema,
  openAuctionSchema,
  submitBidSchema,
} from './auctions.ts';
import { envelope, nameSchema } from './common.ts';
import { delegateSchema, revokeDelegationSchema } from './delegations.ts';
import {
  acceptProposalSchema,
  openNegotiationSchema,
  proposeSchema,
  rejectProposalSchema,
} from './negotiations.ts';
import { standBySchema, standDownSchema } from './offers.ts';
import {
  banAgentSchema,
  forceReleaseSchema,
  pausePoolSchema,
  removeMemberSchema,
  resumePoolSchema,
  unbanAgentSchema,
  updatePoolSchema,
} from './operators.ts';
import {
  closePoolSchema,
  createPoolSchema,
  heartbeatSchema,
  joinPoolSchema,
  leavePoolSchema,
} from './pools.ts';
import { clockSchema, pressureSchema, settleSchema, sweepSchema } from './system.ts';
import {
  cancelTaskSchema,
  claimNextTaskSchema,
  claimTaskSchema,
  failTaskSchema,
  releaseTaskSchema,
  renewClaimSchema,
  reportTaskSchema,
  submitTaskSchema,
} from './tasks.ts';
import { closeVoteSchema, openVoteSchema, voteSchema } from './votes.ts';

/** Decisions that an agent can send alone or inside a Batch. */
export const SINGLE_DECISIONS = {
  CreatePool: createPoolSchema,
  JoinPool: joinPoolSchema,
  LeavePool: leavePoolSchema,
  Heartbeat: heartbeatSchema,
  ClosePool: closePoolSchema,
  UpdatePool: updatePoolSchema,
  PausePool: pausePoolSchema,
  ResumePool: resumePoolSchema,
  ForceRelease: forceReleaseSchema,
  RemoveMember: removeMemberSchema,
  BanAgent: banAgentSchema,
  UnbanAgent: unbanAgentSchema,
  SubmitTask: submitTaskSchema,
  ClaimTask: claimTaskSchema,
  ClaimNextTask: claimNextTaskSchema,
  RenewClaim: renewClaimSchema,
  ReleaseTask: releaseTaskSchema,
  ReportTask: reportTaskSchema,
  FailTask: failTaskSchema,
  CancelTask: cancelTaskSchema,
  StandBy: standBySchema,
  StandDown: standDownSchema,
  OpenAuction: openAuctionSchema,
  SubmitBid: submitBidSchema,
  CloseAuction: closeAuctionSchema,
  CancelAuction: cancelAuctionSchema,
  ExtendAuction: extendAuctionSchema,
  OpenVote: openVoteSchema,
  Vote: voteSchema,
  CloseVote: closeVoteSchema,
  OpenNegotiation: openNegotiationSchema,
  Propose: proposeSchema,
  AcceptProposal: acceptProposalSchema,
  RejectProposal: rejectProposalSchema,
  Delegate: delegateSchema,
  RevokeDelegation: revokeDelegationSchema,
} as const;

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
  readonly ReleaseTask: Handed | undefined;
  readonly ReportTask: Handed | undefined;
  /** For the holder of the claim: failures so far, this one among them. None for submitters and operators. */
  readonly FailTask: ({ readonly failures: number; readonly maxAttempts: number } & Handed) | undefined;
  readonly CancelTask: undefined;
  /** `handed`: what the agent was handed at once. In a Batch the outcome of the Batch has it. */
  readonly StandBy: { readonly offer: PublicOffer } & Handed;
  /** `unstarted`: what was handed over to the offer and has not been begun. It stays the agent's until its lease is over. */
  readonly StandDown: { readonly offer: string; readonly unstarted: readonly UnstartedClaim[] };
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
  readonly ExtendAuction: { readonly auctionId: string; readonly closesAt: number };
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
  readonly Batch: { readonly outcomes: readonly MemberOutcome[] } & Handed;
}

/** Inside a Batch the members need no id: the batch is what is sent, remembered and answered. */
const memberSchema = z.looseObject({ type: z.string(), id: nameSchema.optional() });

/** Applied in order with nothing in between; `atomic`: all or none. Members are validated one by one, by their type. */
export const batchSchema = z.strictObject({
  ...envelope,
  type: z.literal('Batch'),
  atomic: z.boolean().optional(),
  decisions: z.array(memberSchema).min(1).max(MAX_BATCH),
});

/** Decisions of operators about a pool: of its named operators, its owner, and the operators of the system. */
export const OPERATOR_DECISIONS = [
  'UpdatePool',
  'PausePool',
  'ResumePool',
  'ForceRelease',
  'RemoveMember',
  'BanAgent',
  'UnbanAgent',
] as const satisfies readonly (keyof typeof SINGLE_DECISIONS)[];

/** Those of operators are of the family of pools, which no scope grants as a whole: they are named one by one. */
export const FAMILY_OF: Readonly<Record<SingleType, 'pools' | DecisionFamily>> = FAMILY_OF_TYPE;

/** The name of a decision type about one thing: all but `Batch` and what only the system decides. */
export type SingleType = keyof typeof SINGLE_DECISIONS;
/** The name of a decision type, those included that only operators and the system decide. */
export type DecisionType = SingleType | 'Batch' | 'Sweep' | 'Settle' | 'Pressure' | 'Clock';

/** A validated decision of one type, as the handlers see it: the name of the type decides the fields. */
export type DecisionOf<T extends SingleType> = z.output<(typeof SINGLE_DECISIONS)[T]>;
export type SingleDecision = { [T in SingleType]: DecisionOf<T> }[SingleType];
export type Sweep = z.output<typeof sweepSchema>;
export type ClockDecision = z.output<typeof clockSchema>;
export type Pressure = z.output<typeof pressureSchema>;
export type Settle = z.output<typeof settleSchema>;
export interface Batch {
  readonly id: string;
  readonly type: 'Batch';
  readonly atomic?: boolean | undefined;
  readonly onBehalfOf?: string | undefined;
  readonly decisions: readonly SingleDecision[];
}
export type Decision = SingleDecision | Batch | Sweep | Settle | Pressure | ClockDecision;

/** A decision as an author writes it: without the id, which the client chooses when it is left out. */
type WithoutId<D> = D extends unknown ? Omit<D, 'id'> & { id?: string } : never;
/** A decision as its author writes it. */
export type DecisionInput = {
  [T in SingleType]: WithoutId<z.input<(typeof SINGLE_DECISIONS)[T]>>;
}[SingleType];
/** Up to 100 decisions in one pool that are decided one after the other; `atomic`: all or none. */
export interface BatchInput {
  readonly id?: string;
  readonly type: 'Batch';
  readonly atomic?: boolean;
  readonly decisions: readonly DecisionInput[];
}

/** Further decisions of operators, about any task of the pool, like those of a submitter about its own. */
const ALSO_OPERATORS = [
  'CancelTask',
  'FailTask',
] as const satisfies readonly (keyof typeof SINGLE_DECISIONS)[];

export function isOperatorType(
  type: unknown,
): type is (typeof OPERATOR_DECISIONS)[number] | (typeof ALSO_OPERATORS)[number] {
  return OPERATOR_DECISIONS.some((name) => name === type) || ALSO_OPERATORS.some((name) => name === type);
}

/** Decisions of the system about a whole shard, which no agent may send. */
const SYSTEM_TYPES: ReadonlySet<DecisionType> = new Set(['Sweep', 'Settle', 'Pressure', 'Clock']);

export function isOfSystem(decision: Decision): decision is Sweep | Settle | Pressure | ClockDecision {
  return SYSTEM_TYPES.has(decision.type);
}

export function isSingleType(type: string): type is SingleType {
  return Object.hasOwn(SINGLE_DECISIONS, type);
}

export { clockSchema, pressureSchema, settleSchema, sweepSchema };
