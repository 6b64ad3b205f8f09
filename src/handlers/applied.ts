import type { Code } from '../protocol/codes.ts';
import type { Json } from '../protocol/json.ts';
import type { AppliedEvent } from './world/world.ts';

/** What a decision did to the world, or why it did nothing. */
export interface AppliedDecision {
  readonly status: 'accepted' | 'rejected';
  readonly events: readonly AppliedEvent[];
  readonly data?: Json | undefined;
  readonly code?: Code;
  readonly message?: string;
  readonly transient?: boolean;
  /** In whose name, where somebody acted for somebody. */
  readonly actedFor?: string;
  /** How many of the oldest remembered outcomes are to be forgotten: only a Sweep says more than 0. */
  readonly forgottenOutcomes: number;
  /** What a handler threw. That is a bug: to be logged loudly. */
  readonly fault?: unknown;
}
