import type { Code } from './codes.ts';
import type { Json } from './json.ts';
import { shortHash } from './sha256.ts';

/** The answer to one decision (docs/protocol.md, "Decision, outcome, event"): the same however often it is asked for. */
export interface Outcome {
  readonly decisionId: string;
  readonly type: string;
  readonly agent: string;
  readonly pool: string;
  /** Of which bytes this is the answer: {@link bodyHash} of the decision as it was sent. */
  readonly body: string;
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

/** The members' entries in the outcome of a Batch, in their order. */
export interface MemberOutcome {
  readonly type: string;
  readonly id?: string | undefined;
  readonly status: 'accepted' | 'rejected';
  readonly code?: Code | undefined;
  readonly message?: string | undefined;
  readonly transient?: true | undefined;
  readonly data?: Json | undefined;
}

/** An id belongs to an agent in a pool: another agent, and the same one in another pool, can use it too. */
export function decisionKey(pool: string, agent: string, decisionId: string): string {
  return `${pool}.${agent}.${decisionId}`;
}

/** The end of the subject on which the outcome of a decision is sent: `agent.decisionId`. */
export function resultTokens(key: string): string {
  return key.slice(key.indexOf('.') + 1);
}

/** Tells the bytes of one decision from those of any other: 132 bits of their SHA-256, in base64url. */
export function bodyHash(payload: Uint8Array): string {
  return shortHash(payload);
}

const BODY = /"body":"([\w-]{22})"/;

/** Of which bytes a remembered outcome is the answer. Before `body` in its JSON there are only names. */
export function bodyOf(outcomeJson: string): string | undefined {
  return BODY.exec(outcomeJson)?.[1];
}
