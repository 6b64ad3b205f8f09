import type { Code } from '../../protocol/codes.ts';
import type { Json } from '../../protocol/json.ts';
import type { AppliedEvent } from '../world/world.ts';

/** The effect of a decision on the world, or the reason why it had none. */
export interface AppliedDecision {
  readonly status: 'accepted' | 'rejected';
  readonly events: readonly AppliedEvent[];
  readonly data?: Json | undefined;
  readonly code?: Code;
  readonly message?: string;
  readonly transient?: boolean;
  /** The principal, if the agent acted on behalf of one. */
  readonly actedFor?: string;
  /** How many of the oldest remembered outcomes are to be forgotten: only a Sweep says more than 0. */
  readonly forgottenOutcomes: number;
  /** The error that a handler threw. That is a bug: to be logged as an error. */
  readonly fault?: unknown;
}
