export type { NatsCredentials } from '../bus/credentials.ts';
export type { Identity, Role } from '../protocol/identity.ts';
export {
  Agent,
  AgentNameSharedError,
  type AgentOptions,
  AgentStateError,
  type StopOptions,
} from './agent/agent.ts';
export type { Decide, DecideContext } from './agent/decide-loop.ts';
export { ClaimLostError } from './agent/held-claim.ts';
export type { AgentPool } from './agent/membership.ts';
export { type Work, type WorkContext, WorkResultError, type WorkTask } from './agent/run-task.ts';
export {
  BiddingProtocol,
  type CancelAuctionOptions,
  type CloseAuctionOptions,
  type ListAuctionsOptions,
  type NewAuction,
  type OpenAuctionOptions,
  type SubmitBidOptions,
} from './bidding-protocol.ts';
export {
  type ClientOptions,
  ConvergeClient,
  connect,
  type SendOptions,
  type SweepOptions,
} from './client.ts';
export {
  type CloseVoteOptions,
  Consensus,
  type ListVotesOptions,
  type NewVote,
  type OpenVoteOptions,
  type VoteOptions,
} from './consensus.ts';
export type { Award, ContractNet, ContractNetResult } from './contract-net.ts';
export type { Published, Sent } from './decision-channel.ts';
export {
  type DelegateOptions,
  DelegationProtocol,
  type ListDelegationsOptions,
  type RevokeOptions,
} from './delegation-protocol.ts';
export { EventFeed, type EventOptions } from './event-feed.ts';
export type { EventStart } from './event-source.ts';
export { uuidv7 } from './ids.ts';
export type { FieldsOf, InPool } from './method-options.ts';
export {
  type AcceptOptions,
  type CreateSessionOptions,
  NegotiationProtocol,
  type NewSession,
  type ProposeOptions,
  type RejectOptions,
} from './negotiation-protocol.ts';
export { DecisionIdReusedError } from './outcome-desk.ts';
export {
  type AcceptedOutcome,
  type AnyDecisionInput,
  type AnyOutcome,
  acceptedOrThrow,
  type HeldTask,
  type InputOf,
  isAccepted,
  isRejected,
  type OutcomeData,
  type OutcomeOf,
  type RejectedOutcome,
  type ReleasedClaim,
  retryAfterMs,
  type SweepData,
} from './outcomes.ts';
export { PoolManager } from './pool-manager.ts';
export {
  type CustomDecision,
  type CustomHandler,
  type ExecutableDecision,
  type Executed,
  type ExecuteOptions,
  ExecutionInterruptedError,
  StandardExecutor,
} from './standard-executor.ts';
export {
  type ListTasksOptions,
  type SubmitAllOptions,
  TaskManager,
} from './task-manager.ts';
export type {
  CancelOptions,
  ClaimNextOptions,
  ClaimOptions,
  FailOptions,
  NewTask,
  ReleaseOptions,
  RenewOptions,
  ReportOptions,
  SubmitOptions,
} from './task-options.ts';
