import type { Code } from './codes.ts';
import type { Json } from './json.ts';

/** The answer to one decision (PROTOCOL, section 2): the same however often it is asked for. */
export interface Outcome {
  readonly decisionId: string;
  readonly type: string;
  readonly agent: string;
  readonly pool: string;
  readonly status: 'accepted' | 'rejected';
  /** The one rule that was broken. */
  readonly code?: Code;
  readonly message?: string;
  /** The same decision may succeed later. */
  readonly transient?: true;
  readonly data?: Json | undefined;
  /** Ids of the events that the decision caused, in order. */
  readonly events: readonly string[];
  readonly shard: number;
  /** Where in the log the decision stands. */
  readonly seq: number;
  /** When it was applied: log time, milliseconds since the epoch. */
  readonly at: number;
}

/** What a Batch's outcome says of each of its members, in their order. */
export interface MemberOutcome {
  readonly type: string;
  readonly id?: string | undefined;
  readonly status: 'accepted' | 'rejected';
  readonly code?: Code | undefined;
  readonly message?: string | undefined;
  readonly transient?: true | undefined;
  readonly data?: Json | undefined;
}

/** Agent and decision id together: decision ids are unique per agent. Also the `Nats-Msg-Id` of a decision. */
export function decisionKey(agent: string, decisionId: string): string {
  return `${agent}.${decisionId}`;
}
