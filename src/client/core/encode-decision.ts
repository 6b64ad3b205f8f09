/** From a decision as its author writes it to the message that goes into the log, or the rule that it breaks already. */
import { messageOf } from '../../lib/errors.ts';
import type { Code } from '../../protocol/codes.ts';
import { decode } from '../../protocol/decode.ts';
import { isName, OPERATOR, SHARD_POOL } from '../../protocol/names.ts';
import { bodyHash, type Outcome } from '../../protocol/outcome.ts';
import { shardOf } from '../../protocol/shard.ts';
import type { Subjects } from '../../protocol/subjects.ts';

export interface EncodedDecision {
  readonly decisionId: string;
  readonly type: string;
  readonly agent: string;
  readonly pool: string;
  readonly subject: string;
  readonly payload: Uint8Array;
  /** {@link bodyHash} of the payload. */
  readonly body: string;
}

/** Why a decision cannot be sent at all. */
export interface Unsendable {
  readonly decisionId: string;
  readonly type: string;
  readonly agent: string;
  readonly pool: string;
  readonly code: Code;
  readonly message: string;
}

export interface DecisionDraft {
  readonly pool: string;
  readonly decision: { readonly type: string; readonly id?: string | undefined };
  readonly agent: string;
  readonly shards: number;
  readonly newId: () => string;
}

/**
 * What the workers would refuse by its form is refused here, by their own rules and in their own words: an agent that nests too
 * deep learns it at once, and not by a dead draft. Whether it is allowed is for them to say.
 */
export function encodeDecision(subjects: Subjects, draft: DecisionDraft): EncodedDecision | Unsendable {
  const { pool, decision, agent, shards, newId } = draft;
  const decisionId = decision.id ?? newId();
  const about = { decisionId, type: decision.type, agent, pool };
  if (!isName(pool)) return { ...about, code: 'invalid_decision', message: `pool: ${NOT_A_NAME}` };
  if (!isName(decisionId)) return { ...about, code: 'invalid_decision', message: `id: ${NOT_A_NAME}` };
  const payload = bytesOf({ ...decision, id: decisionId });
  if (typeof payload === 'string') return { ...about, code: 'invalid_decision', message: payload };
  const subject = subjects.decision(pool, agent, shards);
  const place = { namespace: subjects.namespace, shard: shardOf(pool, shards), shards };
  const decoded = decode(subject, payload, place);
  switch (decoded.kind) {
    case 'decision':
      return { ...about, subject, payload, body: bodyHash(payload) };
    case 'rejected':
      return { ...about, code: decoded.code, message: decoded.message };
    case 'dead':
      return { ...about, code: 'invalid_decision', message: decoded.reason };
  }
}

/** Decisions about a whole shard, in the operator's name. */
export function encodeShardDecision(
  subjects: Subjects,
  shard: number,
  decision: { readonly id: string; readonly type: string; readonly [field: string]: unknown },
): EncodedDecision {
  const payload = Buffer.from(JSON.stringify(decision));
  return {
    decisionId: decision.id,
    type: decision.type,
    agent: OPERATOR,
    pool: SHARD_POOL,
    subject: subjects.shardDecision(shard, OPERATOR, SHARD_POOL),
    payload,
    body: bodyHash(payload),
  };
}

export function isUnsendable(encoded: EncodedDecision | Unsendable): encoded is Unsendable {
  return 'code' in encoded;
}

const NOT_A_NAME = 'letters, digits, _ and -, 1 to 64 of them';

/** The bytes, or why there are none. */
function bytesOf(body: object): Uint8Array | string {
  try {
    return Buffer.from(JSON.stringify(body));
  } catch (error) {
    return `not JSON: ${messageOf(error)}`.slice(0, 500).toWellFormed();
  }
}

/** Outcomes of the client itself: `shard` −1 and `seq` 0 say that the decision never reached the log. */
export function localOutcome(
  about: Pick<Outcome, 'decisionId' | 'type' | 'agent' | 'pool'> & Partial<Pick<Outcome, 'body'>>,
  answer: Pick<Outcome, 'status'> & Partial<Pick<Outcome, 'code' | 'message' | 'data'>>,
): Outcome {
  const { decisionId, type, agent, pool, body = '' } = about;
  return { decisionId, type, agent, pool, body, ...answer, events: [], shard: -1, seq: 0, at: Date.now() };
}
