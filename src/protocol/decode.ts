/**
 * From a message on the log to a decision, a named rejection or a dead letter. Nothing here throws: whatever bytes
 * arrive, exactly one of the three comes out.
 */
import type { z } from 'zod';
import type { Code } from './codes.ts';
import {
  type Batch,
  batchSchema,
  clockSchema,
  type Decision,
  isOperatorType,
  isSingleType,
  pressureSchema,
  SINGLE_DECISIONS,
  type SingleDecision,
  settleSchema,
  sweepSchema,
} from './decisions/index.ts';
import { isObject, type ParsedJson, parseJson } from './json.ts';
import { MAX_DECISION_BYTES } from './limits.ts';
import { CLOCK_POOL, isName, isReserved, OPERATOR, SHARD_POOL, SWEEPER } from './names.ts';
import { shardOf } from './shard.ts';
import { type DecisionAddress, parseDecisionSubject } from './subjects.ts';

export type Decoded =
  | { readonly kind: 'decision'; readonly address: DecisionAddress; readonly decision: Decision }
  | {
      readonly kind: 'rejected';
      readonly address: DecisionAddress;
      readonly id: string;
      readonly type: string;
      readonly code: Code;
      readonly message: string;
    }
  /** Nobody can be answered: the author or the id is not to be made out. */
  | { readonly kind: 'dead'; readonly reason: string };

export interface LogPlace {
  readonly namespace: string;
  readonly shard: number;
  readonly shards: number;
}

type Checked<D extends Decision = Decision> =
  | { readonly decision: D }
  | { readonly code: Code; readonly message: string };

export function decode(subject: string, bytes: Uint8Array, place: LogPlace): Decoded {
  const address = parseDecisionSubject(place.namespace, subject);
  if (address === undefined)
    return { kind: 'dead', reason: 'subject is not <ns>.decisions.<shard>.<pool>.<agent>' };
  const parsed = parseJson(bytes);
  const body = parsed.value;
  if (!isObject(body)) return { kind: 'dead', reason: parsed.ok ? 'not a JSON object' : parsed.why };
  const id = body.id;
  if (typeof id !== 'string' || !isName(id)) return { kind: 'dead', reason: 'no valid id' };
  const checked = check(address, body, bytes.byteLength, parsed, place);
  if ('decision' in checked) return { kind: 'decision', address, decision: checked.decision };
  return { kind: 'rejected', address, id, type: typeName(body.type), ...checked };
}

function typeName(type: unknown): string {
  return typeof type === 'string' && isName(type) ? type : 'unknown';
}

function check(
  address: DecisionAddress,
  body: { readonly [member: string]: unknown },
  size: number,
  parsed: ParsedJson,
  place: LogPlace,
): Checked {
  if (size > MAX_DECISION_BYTES) {
    return { code: 'too_large', message: `${size} bytes; a decision has at most ${MAX_DECISION_BYTES}` };
  }
  if (!parsed.ok) return { code: 'invalid_decision', message: parsed.why };
  if (address.pool === SHARD_POOL) return checkShardDecision(address, body, place);
  if (address.pool === CLOCK_POOL) return checkClock(address, body, place);
  const expected = shardOf(address.pool, place.shards);
  if (address.shard !== place.shard || address.shard !== expected) {
    return { code: 'wrong_shard', message: `pool ${address.pool} belongs to shard ${expected}` };
  }
  // Operators of the whole system decide in every pool what its own operators may; who they are the server proves.
  const isSystemOperator = address.agent === OPERATOR && isOperatorType(body.type);
  if (isReserved(address.agent) && !isSystemOperator)
    return { code: 'reserved_id', message: `agent ${address.agent}` };
  if (isReserved(address.pool)) return { code: 'reserved_id', message: `pool ${address.pool}` };
  return checkType(body);
}

function checkShardDecision(
  address: DecisionAddress,
  body: { readonly [member: string]: unknown },
  place: LogPlace,
): Checked {
  if (address.shard !== place.shard) return { code: 'wrong_shard', message: `this is shard ${place.shard}` };
  if (!isReserved(address.agent))
    return { code: 'reserved_id', message: `pool ${SHARD_POOL} is reserved for the system` };
  switch (body.type) {
    case 'Sweep':
      return validate(sweepSchema, body, '');
    case 'Pressure':
      return validate(pressureSchema, body, '');
    case 'Settle':
      if (address.agent === SWEEPER) return validate(settleSchema, body, '');
      return { code: 'not_allowed', message: 'only workers may decide Settle' };
    case 'BanAgent':
    case 'UnbanAgent':
      if (address.agent === OPERATOR) return checkSingle(body, '');
      return { code: 'not_allowed', message: `only operators of the system may decide ${body.type}` };
    default:
      return {
        code: 'unknown_type',
        message: `pool ${SHARD_POOL} accepts only Sweep, Settle, Pressure, BanAgent and UnbanAgent`,
      };
  }
}

/** About the time of the shard's log; where nothing else may stand, so that all of it is found at once. */
function checkClock(
  address: DecisionAddress,
  body: { readonly [member: string]: unknown },
  place: LogPlace,
): Checked {
  if (address.shard !== place.shard) return { code: 'wrong_shard', message: `this is shard ${place.shard}` };
  if (address.agent !== OPERATOR) {
    return { code: 'reserved_id', message: `pool ${CLOCK_POOL} is reserved for operators of the system` };
  }
  if (body.type !== 'Clock')
    return { code: 'unknown_type', message: `pool ${CLOCK_POOL} accepts only Clock` };
  return validate(clockSchema, body, '');
}

function checkType(body: { readonly [member: string]: unknown }): Checked {
  if (typeof body.type !== 'string') return { code: 'invalid_decision', message: 'type: required' };
  return body.type === 'Batch' ? checkBatch(body) : checkSingle(body, '');
}

function checkSingle(body: { readonly [member: string]: unknown }, path: string): Checked<SingleDecision> {
  const type = body.type;
  if (typeof type !== 'string' || !isSingleType(type)) {
    return { code: 'unknown_type', message: `${path}type: ${typeName(type)}` };
  }
  const checked = validate<SingleDecision>(SINGLE_DECISIONS[type], body, path);
  if (!('decision' in checked)) return checked;
  const reserved = reservedName(checked.decision);
  return reserved === undefined
    ? checked
    : {
        code: 'reserved_id',
        message: `${path}${reserved}: names that start with _ are reserved for the system`,
      };
}

/** Ids that a decision gives to something new: those of the system cannot be taken. */
function reservedName(decision: SingleDecision): string | undefined {
  if (isReserved(decision.id)) return 'id';
  if ('taskId' in decision && decision.taskId !== undefined && isReserved(decision.taskId)) return 'taskId';
  if ('auctionId' in decision && isReserved(decision.auctionId)) return 'auctionId';
  if ('voteId' in decision && isReserved(decision.voteId)) return 'voteId';
  if ('sessionId' in decision && isReserved(decision.sessionId)) return 'sessionId';
  return undefined;
}

function checkBatch(body: { readonly [member: string]: unknown }): Checked {
  const parsed = batchSchema.safeParse(body);
  if (!parsed.success) return { code: 'invalid_decision', message: faultOf(parsed.error, '') };
  const { id, onBehalfOf, atomic, decisions } = parsed.data;
  if (isReserved(id)) return { code: 'reserved_id', message: 'id' };
  const members: SingleDecision[] = [];
  for (const [i, member] of decisions.entries()) {
    // Fields that a member inherits from its Batch are filled in here; only the parser holds the object so far.
    member.id ??= memberId(member.type, id, i);
    if (onBehalfOf !== undefined) member.onBehalfOf ??= onBehalfOf;
    const checked = checkSingle(member, `decisions[${i}].`);
    if (!('decision' in checked)) return checked;
    members.push(checked.decision);
  }
  const batch: Batch = { id, type: 'Batch', atomic, onBehalfOf, decisions: members };
  return { decision: batch };
}

/** A member without an id goes by that of its Batch; a Delegate needs one of its own, since that names the delegation. */
function memberId(type: string, batchId: string, index: number): string {
  return type === 'Delegate' ? `${batchId}-${index}` : batchId;
}

function validate<D extends Decision>(schema: z.ZodType<D>, body: unknown, path: string): Checked<D> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return { decision: parsed.data };
  return { code: 'invalid_decision', message: faultOf(parsed.error, path) };
}

/** `path: what is wrong` of the first fault, bounded: the message goes back to the author of the decision. */
export function faultOf(error: z.ZodError, path: string): string {
  const issue = error.issues[0];
  if (issue === undefined) return `${path}: invalid`;
  const where = issue.path.reduce<string>(
    (text, step) =>
      typeof step === 'number' ? `${text}[${step}]` : text === '' ? String(step) : `${text}.${String(step)}`,
    '',
  );
  const place = where === '' ? path.replace(/\.$/, '') || '(the decision)' : `${path}${where}`;
  return `${place}: ${issue.message}`.slice(0, 500).toWellFormed();
}
