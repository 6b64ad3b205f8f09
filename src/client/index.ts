export * from './agent/index.ts';
export {
  type ClientOptions,
  ConvergeClient,
  connect,
  type SendOptions,
  type SweepOptions,
} from './client.ts';
export type { Published, Sent } from './decision-channel.ts';
export { EventFeed, type EventOptions, type EventStart } from './event-feed.ts';
export { uuidv7 } from './ids.ts';
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
  type SweepData,
} from './outcomes.ts';
export { type PoolDecisions, PoolManager } from './pool-manager.ts';
export type { Answer, FieldsOf, InPool, Mode } from './sender.ts';
export {
  type CustomDecision,
  type CustomHandler,
  type ExecutableDecision,
  type Executed,
  type ExecuteOptions,
  ExecutionInterruptedError,
  StandardExecutor,
} from './standard-executor.ts';
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
  TaskDecisions,
} from './task-decisions.ts';
export {
  type ListTasksOptions,
  type SubmitAllOptions,
  TaskManager,
  type TaskPublishing,
} from './task-manager.ts';
