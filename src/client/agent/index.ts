export {
  Agent,
  AgentNameSharedError,
  type AgentOptions,
  AgentStateError,
  type StopOptions,
} from './agent.ts';
export type { Decide, DecideContext } from './decide-loop.ts';
export { ClaimLostError } from './held-claim.ts';
export type { AgentPool } from './membership.ts';
export { type Work, type WorkContext, WorkResultError, type WorkTask } from './run-task.ts';
