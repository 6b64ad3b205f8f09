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
  type ClientOptions,
  ConvergeClient,
  connect,
  type SendOptions,
  type SweepOptions,
} from './core/client.ts';
export type { Published, Sent } from './core/decision-channel.ts';
export { EventFeed } from './core/event-feed.ts';
export type { EventOptions } from './core/event-options.ts';
export type { EventStart } from './core/event-source.ts';
export { uuidv7 } from './core/ids.ts';
export type { FieldsOf, InPool } from './core/method-options.ts';
export {
  type AcceptedOutcome,
  type AnyDecisionInput,
  type AnyOutcome,
  acceptedOrThrow,
  type InputOf,
  isAccepted,
  isRejected,
  type OutcomeOf,
  type RejectedOutcome,
  retryAfterMs,
} from './core/outcomes.ts';
export { DecisionIdReusedError } from './core/pending-outcomes.ts';
export {
  BiddingProtocol,
  type CancelAuctionOptions,
  type CloseAuctionOptions,
  type ListAuctionsOptions,
  type NewAuction,
  type OpenAuctionOptions,
  type SubmitBidOptions,
} from './managers/bidding-protocol.ts';
export {
  type CloseVoteOptions,
  Consensus,
  type ListVotesOptions,
  type NewVote,
  type OpenVoteOptions,
  type VoteOptions,
} from './managers/consensus.ts';
export type { Award, ContractNet, ContractNetResult } from './managers/contract-net.ts';
export {
  type DelegateOptions,
  DelegationProtocol,
  type ListDelegationsOptions,
  type RevokeOptions,
} from './managers/delegation-protocol.ts';
export {
  type AcceptOptions,
  type CreateSessionOptions,
  NegotiationProtocol,
  type NewSession,
  type ProposeOptions,
  type RejectOptions,
} from './managers/negotiation-protocol.ts';
export { PoolManager } from './managers/pool-manager.ts';
export {
  type CustomDecision,
  type CustomHandler,
  type ExecutableDecision,
  type Executed,
  type ExecuteOptions,
  ExecutionInterruptedError,
  StandardExecutor,
} from './managers/standard-executor.ts';
export {
  type ListTasksOptions,
  type SubmitAllOptions,
  TaskManager,
} from './managers/task-manager.ts';
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
} from './managers/task-options.ts';
