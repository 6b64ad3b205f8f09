/**
 * The whole way of a decision: subject and bytes are decoded, decided on a small world, rendered and put in the form of a
 * commit. What is accepted by the decoder is the same decision when it is written and read again; no handler fails; and
 * the world can be had back as it was.
 */
import { isDeepStrictEqual } from 'node:util';
import type { World } from '../../../src/handlers/world/world.ts';
import { CODES } from '../../../src/protocol/codes.ts';
import { type Decoded, decode } from '../../../src/protocol/decode.ts';
import { subjects } from '../../../src/protocol/subjects.ts';
import { writeChange } from '../../../src/state/documents-to-writes.ts';
import { shardKeys } from '../../../src/state/keys.ts';
import { Operations } from '../../../src/state/operations.ts';
import { type DecidedBatch, decideBatch } from '../../../src/workers/shard/decide-batch.ts';
import { decodeOutbox, encodeOutbox } from '../../../src/workers/shard/outbox.ts';
import type { Random } from '../../kit/chance/random.ts';
import { validDecision } from '../corpus/decisions.ts';
import { AGENTS, PLACE, START } from '../corpus/names.ts';
import { HISTORY_LENGTH, smallWorld } from '../corpus/small-world.ts';
import { mutatedBytes, randomBytes } from '../mutate/bytes.ts';
import { mutatedJson } from '../mutate/json.ts';
import { nastyText } from '../mutate/nasty.ts';
import { must, mustBeTellable } from '../oracle.ts';
import type { Target } from './target.ts';

const SUBJECTS = subjects(PLACE.namespace);
const KEYS = shardKeys(PLACE.namespace, PLACE.shard);
const NOTHING_OWED = { results: [], refusals: [], packs: [], deadLetters: [] };
const NOTHING_FOUND = { outcomes: new Map<string, string>(), entities: [] };
const MESSAGE = { seq: HISTORY_LENGTH + 1, at: START + 1_000 };
/** What NATS takes by default, with room for headers. */
const MAX_PUBLISHED_BYTES = 1_024 * 1_024 - 4_096;
/** The decoder quotes at most 500 characters; a Batch that is refused as a whole says of which member. */
const MAX_MESSAGE_CHARS = 600;
/** Every so many inputs the world is compared with a new one. */
const COMPARED_EVERY = 256;

export const decisionTarget: Target = {
  name: 'decision',
  share: 0.33,
  trial(random) {
    const body = validDecision(random);
    const subject = subjectFor(body.type, random);
    const input = bytesOf(body, random);
    const isCommitted = random.chance(0.02);
    return {
      input: Buffer.concat([Buffer.from(`${subject}\n`), input]),
      run: () => check(subject, input, isCommitted),
    };
  },
};

function subjectFor(type: string, random: Random): string {
  const agent = random.chance(0.02) ? nastyText(random) : random.pick(AGENTS);
  if (type === 'Sweep' && random.chance(0.9))
    return SUBJECTS.shardDecision(PLACE.shard, '_sweeper', '_shard');
  const pool = random.pick([
    'work',
    'work',
    'work',
    'work',
    'commons',
    'closed',
    'invited',
    'secret',
    'new',
    '_shard',
  ]);
  return `${PLACE.namespace}.decisions.${random.chance(0.02) ? random.integer(9) : 0}.${pool}.${agent}`;
}

/** A quarter is as it should be, so that what comes after the decoder has its part. */
function bytesOf(body: object, random: Random): Uint8Array {
  const kind = random.integer(100);
  if (kind < 2) return randomBytes(random.integer(100), random);
  const text = mutatedJson(body, kind < 25 ? 0 : 1 + random.integer(3), random);
  return mutatedBytes(Buffer.from(text), kind < 85 ? 0 : 1 + random.integer(2), random);
}

function check(subject: string, bytes: Uint8Array, isCommitted: boolean): void {
  const decoded = decode(subject, bytes, PLACE);
  switch (decoded.kind) {
    case 'dead':
      mustBeTellable('the reason', decoded.reason, MAX_MESSAGE_CHARS);
      break;
    case 'rejected':
      checkRejection(decoded);
      break;
    case 'decision':
      checkSame(subject, decoded);
      break;
  }
  apply(subject, bytes, decoded, isCommitted);
}

function checkRejection({ address, id, type, code, message }: Extract<Decoded, { kind: 'rejected' }>): void {
  must(/^[A-Za-z0-9_-]{1,64}$/.test(id) && /^[A-Za-z0-9_-]{1,64}$/.test(type), 'id or type is no name');
  must(Object.hasOwn(CODES, code), `there is no code ${code}`);
  must(
    SUBJECTS.shardDecision(address.shard, address.agent, address.pool).length < 200,
    'the address has no bound',
  );
  mustBeTellable('the message', message, MAX_MESSAGE_CHARS);
}

function checkSame(subject: string, { decision }: Extract<Decoded, { kind: 'decision' }>): void {
  const text = JSON.stringify(decision);
  const again = decode(subject, Buffer.from(text), PLACE);
  must(again.kind === 'decision', `written and read again it is ${again.kind}: ${JSON.stringify(again)}`);
  must(isSame(again.decision, text), 'written and read again it is another decision');
}

/** Members may come in another order: an admission is kept in one form, whichever it was written in. */
function isSame(decision: object, text: string): boolean {
  const again = JSON.stringify(decision);
  return again === text || isDeepStrictEqual(JSON.parse(again), JSON.parse(text));
}

interface Tried {
  world: World;
  /** Inputs since the world was last compared. */
  since: number;
}

let tried: Tried | undefined;
let steady: string | undefined;

function apply(subject: string, bytes: Uint8Array, decoded: Decoded, isCommitted: boolean): void {
  tried ??= { world: smallWorld(), since: 0 };
  const { world } = tried;
  const message = { ...MESSAGE, subject, data: bytes };
  const context = { now: START, shard: PLACE.shard, subjects: SUBJECTS };
  try {
    const batch = decideBatch([{ message, decoded }], world, NOTHING_FOUND, context);
    checkDecided(batch, decoded);
    // What a Sweep moves is not all taken back when nothing went wrong, and what is committed is not at all.
    const isSweep = decoded.kind === 'decision' && decoded.decision.type === 'Sweep';
    if (isCommitted || isSweep) {
      checkCommit(world, batch);
      tried = undefined;
    } else checkTakenBack(tried);
  } catch (error) {
    tried = undefined;
    throw error;
  }
}

function checkDecided(batch: DecidedBatch, decoded: Decoded): void {
  const [decision] = batch.decisions;
  must((decision === undefined) === (decoded.kind === 'dead'), 'a message without an answer');
  if (decision === undefined) return;
  const { status, code, message, fault } = decision.result;
  if (fault !== undefined) throw fault;
  must(status === 'accepted' || (code !== undefined && Object.hasOwn(CODES, code)), `rejected with ${code}`);
  must(status === 'accepted' || batch.events.length === 0, 'a rejection with events');
  if (message !== undefined) mustBeTellable('the message', message, MAX_MESSAGE_CHARS);
  for (const json of batch.outcomes.values()) mustBePublishable('the outcome', json);
  for (const { json, subject } of batch.packs) {
    mustBePublishable('a pack of events', json);
    must(/^converge\.events\.\d+\.[A-Za-z0-9_-]+$/.test(subject), `a pack of events on ${subject}`);
  }
}

function mustBePublishable(what: string, json: string): void {
  must(Buffer.byteLength(json) <= MAX_PUBLISHED_BYTES, `${what} is too large for NATS`);
  must(json.isWellFormed(), `${what} has a lone surrogate`);
  JSON.parse(json);
}

/** What is committed are texts, the outbox comes back as it was put in, and a document as it was stored. */
function checkCommit(world: World, { results, refusals, packs, deadLetters }: DecidedBatch): void {
  const payload = encodeOutbox({ results, refusals, packs, deadLetters });
  const owed = payload === undefined ? NOTHING_OWED : decodeOutbox(payload);
  must(JSON.stringify(owed.packs) === JSON.stringify(packs), 'events come out of the outbox as others');
  must(owed.results.join() === results.join(), 'results come out of the outbox as others');
  must(owed.deadLetters.length === deadLetters.length, 'dead letters come out of the outbox as others');
  const writes = new Operations();
  for (const change of world.takeChanges().changes) {
    writeChange(KEYS, change, undefined, writes);
    if (change.after === undefined) continue;
    const stored = JSON.stringify(change.after);
    must(
      JSON.stringify(JSON.parse(stored)) === stored,
      `a ${change.kind} changes when it is stored and loaded`,
    );
  }
  const { keys, args } = writes.encode([KEYS.meta]);
  for (const text of [...keys, ...args]) {
    must(typeof text === 'string' && text.isWellFormed(), 'a commit holds what is no text');
  }
}

/** Taken back, a decision has changed nothing: the next input finds the world as this one did. */
function checkTakenBack(tried: Tried): void {
  const { world } = tried;
  world.rollback();
  for (const { kind, before, after } of world.takeChanges().changes) {
    must(JSON.stringify(before) === JSON.stringify(after), `a ${kind} is not what it was before`);
  }
  if (++tried.since < COMPARED_EVERY) return;
  tried.since = 0;
  steady ??= snapshot(smallWorld());
  must(snapshot(world) === steady, `the world is not what it was ${COMPARED_EVERY} inputs ago`);
}

function snapshot(world: World): string {
  const pools = [...world.pools.values()].map((state) => ({
    doc: state.doc,
    sequence: state.sequence,
    retained: state.retained,
    live: [state.live, state.votes.size, state.delegations.size],
    members: [...state.members.values()].sort((a, b) => (a.agent < b.agent ? -1 : 1)),
    entities: Object.values(state.entities).flatMap((map) =>
      [...map.values()].map((entity) => JSON.stringify(entity)).sort(),
    ),
    due: state.due.first(Number.POSITIVE_INFINITY),
  }));
  return JSON.stringify([world.nextDue(), pools]);
}
