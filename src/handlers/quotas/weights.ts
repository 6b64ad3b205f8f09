/**
 * The weight of a live document against the bounds of memory: roughly its size on a worker's heap. A text or a value
 * counts what V8 takes for it, and every document a fixed cost for what the kernel keeps besides (the object, its places
 * in heaps and indexes). A test measures it, so anyone who changes what is kept in memory sees here what has to be counted.
 *
 * Each weight is a function of the document, so that a shard that was just loaded counts what one counts that has run for
 * days. Nothing here looks at what changes often in a large document: ballots and acceptances are counted from the
 * beginning as if everyone had given theirs, bids and offers one by one as they come.
 */
import type { Auction, AuctionBid } from '../../protocol/auctions.ts';
import type { Member, Pool, Task } from '../../protocol/documents.ts';
import { type Entity, isOfKind, isTask } from '../../protocol/entities.ts';
import type { Proposal } from '../../protocol/negotiations.ts';
import type { Offer } from '../../protocol/offers.ts';
import type { Vote } from '../../protocol/votes.ts';

/** A pool has a dozen indexes, empty ones too. */
const POOL_BYTES = 7_000;
const TASK_BYTES = 460;
const MEMBER_BYTES = 450;
const AUCTION_BYTES = 700;
const VOTE_BYTES = 600;
const NEGOTIATION_BYTES = 400;
const DELEGATION_BYTES = 1_200;
const STANDING_BYTES = 1_100;
const OFFER_CLASS_BYTES = 1_600;
const LISTED_BYTES = 120;
const BID_BYTES = 400;
const OFFER_BYTES = 150;

/** An agent or a pool whose rate is counted, or an agent that is kept out of the whole system. */
export const ENTRY_BYTES = 200;

/** A class of pending tasks has a heap of its own, and a place in one for each list that it stands in. */
export const CLASS_BYTES = 300;
export const LISTING_BYTES = 500;
/** Tasks on a topic are a class of their own when nobody else's are on it: counted in part, for most share theirs. */
const TOPIC_BYTES = 250;
/** Every task for which others wait has a heap of these dependents. */
const DEPENDENCY_BYTES = 400;

const SLOT_BYTES = 8;
const TEXT_BYTES = 16;
const ARRAY_BYTES = 32;
const OBJECT_BYTES = 32;
/** V8 leaves room in an object that is made without members. */
const EMPTY_OBJECT_BYTES = 56;
/** A name of a member that other documents are likely to have, too; and one that is likely to be the only one. */
const COMMON_NAME_BYTES = 12;
const NEW_NAME_BYTES = 70;
/** An object with more members than this is a table by names. */
const FEW_MEMBERS = 32;
const LARGE_NUMBER_BYTES = 16;
const MAX_SMALL = 2 ** 31;

/** Beyond this, counting characters would let a text of three bytes a character through at a third. */
const SHORT_CHARS = 64;
/** The note of a claimed task is covered by its fixed cost up to here. */
const SHORT_NOTE_BYTES = 200;

/** The size of a value. `sibling` is the one before it in an array: objects of one shape share the names of their members. */
export function weightOfJson(value: unknown, sibling?: unknown): number {
  if (typeof value === 'string') return weightOfText(value);
  if (typeof value === 'number') return weightOfNumber(value);
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) {
    let bytes = ARRAY_BYTES + SLOT_BYTES * value.length;
    for (let i = 0; i < value.length; i++) bytes += weightOfJson(value[i], value[i - 1]);
    return bytes;
  }
  return weightOfObject(Object.entries(value), typeof sibling === 'object' ? sibling : undefined);
}

function weightOfObject(
  members: readonly (readonly [string, unknown])[],
  sibling: object | null | undefined,
): number {
  const areNew = sibling !== undefined || members.length > FEW_MEMBERS;
  const nameBytes = areNew ? NEW_NAME_BYTES : COMMON_NAME_BYTES;
  let bytes = 0;
  for (const [name, member] of members) {
    // One that is undefined is not stored, and not there when the document is loaded.
    if (member === undefined) continue;
    bytes += SLOT_BYTES;
    if (sibling == null || !Object.hasOwn(sibling, name)) bytes += nameBytes + name.length;
    bytes += weightOfJson(member);
  }
  return bytes === 0 ? EMPTY_OBJECT_BYTES : OBJECT_BYTES + bytes;
}

function weightOfText(text: string): number {
  return TEXT_BYTES + (text.length > SHORT_CHARS ? Buffer.byteLength(text) : text.length);
}

function weightOfNumber(value: number): number {
  return Number.isInteger(value) && Math.abs(value) < MAX_SMALL ? 0 : LARGE_NUMBER_BYTES;
}

function weightOfTask(task: Task): number {
  const { taskId, objective, inputs, evaluator, topic, requiredCapabilities, dependsOn, constraints } = task;
  let bytes = TASK_BYTES + weightOfText(taskId) + weightOfText(objective) + weightOfConstraints(constraints);
  if (inputs !== undefined) bytes += weightOfJson(inputs);
  if (evaluator !== undefined) bytes += weightOfJson(evaluator);
  if (topic !== undefined) bytes += TOPIC_BYTES + weightOfText(topic);
  if (requiredCapabilities.length > 0) {
    const alternatives = requiredCapabilities[0]?.length ?? 1;
    bytes += weightOfJson(requiredCapabilities) + (LISTING_BYTES / 2) * (alternatives - 1);
  }
  // Blocked tasks have what they depend on twice: all of it, and what has not completed yet.
  if (dependsOn.length > 0) bytes += 2 * weightOfJson(dependsOn) + DEPENDENCY_BYTES * dependsOn.length;
  return bytes;
}

const weighed = new WeakMap<object, number>();

/** Those of protocol and pool, which most tasks have, are one object for all of them while they last. */
function weightOfConstraints(constraints: Task['constraints']): number {
  const known = weighed.get(constraints);
  if (known !== undefined) return known;
  const bytes = weightOfJson(constraints);
  weighed.set(constraints, bytes);
  return bytes;
}

export function weightOfMember({ capabilities }: Member): number {
  return MEMBER_BYTES + weightOfJson(capabilities);
}

/** A set of topics and capabilities that offers have: it stands in a list for each of its capabilities. */
export function weightOfOfferClass({
  key,
  capabilities,
}: {
  readonly key: string;
  readonly capabilities: ReadonlySet<string>;
}): number {
  return OFFER_CLASS_BYTES + 3 * weightOfText(key) + LISTED_BYTES * capabilities.size;
}

/** The part of a standing offer that does not change with every decision of its agent. */
export function weightOfOffer({ topics, passed, offer, offerId }: Offer): number {
  const named = weightOfText(offer) + weightOfText(offerId);
  return STANDING_BYTES + named + weightOfJson(topics) + weightOfJson(passed);
}

export function weightOfPool(pool: Pool): number {
  return POOL_BYTES + weightOfJson(pool);
}

/** The part of an open thing that never changes: its opener's. */
export function weightOfOpening(entity: Entity): number {
  if (isTask(entity)) return weightOfTask(entity);
  switch (entity.kind) {
    case 'auction':
      return AUCTION_BYTES + weightOfTerms(entity);
    case 'vote':
      return VOTE_BYTES + weightOfVote(entity);
    case 'negotiation':
      return NEGOTIATION_BYTES + weightOfJson(entity.participants);
    case 'delegation':
      return DELEGATION_BYTES + weightOfJson(entity.scope);
  }
}

function weightOfTerms({ lot, increment }: Auction): number {
  return weightOfJson(lot) + weightOfJson(increment);
}

/** With a ballot of everyone who is asked. */
function weightOfVote({ question, options, voters, weights }: Vote): number {
  const rules = weightOfText(question) + weightOfJson(options) + weightOfJson(weights);
  const ballots = voters.length * (SLOT_BYTES + TEXT_BYTES + options.length);
  return rules + weightOfJson(voters) + ballots;
}

/** A contribution to an open entity: a note, a bid, a proposal. It counts for its author, not for the opener. */
export interface Part {
  readonly agent: string;
  readonly bytes: number;
}

/**
 * The note of a task, the bids of an auction or the offers of a session that came or went. Those that stay are the same objects in the same
 * order, which is all that is looked at: there may be ten thousand.
 */
export function partsBetween(
  before: Entity | undefined,
  after: Entity | undefined,
): { readonly gone: readonly Part[]; readonly come: readonly Part[] } {
  const one = after ?? before;
  if (one === undefined) return NO_PARTS;
  if (isTask(one)) return difference(notesOf(before), notesOf(after), (part) => part);
  if (one.kind === 'auction') return difference(bidsOf(before), bidsOf(after), partOfBid);
  if (one.kind !== 'negotiation') return NO_PARTS;
  const { length } = one.participants;
  return difference(offersOf(before), offersOf(after), (offer) => partOfOffer(offer, length));
}

const NOTHING: readonly never[] = [];
const NO_PARTS = { gone: NOTHING, come: NOTHING };

/** What the holder of a task has written, while it holds it. */
function notesOf(entity: Entity | undefined): readonly Part[] {
  if (entity === undefined || !isTask(entity) || entity.state !== 'running') return NOTHING;
  const bytes = Buffer.byteLength(entity.note ?? '') - SHORT_NOTE_BYTES;
  return bytes <= 0 ? NOTHING : [{ agent: entity.claim.agent, bytes }];
}

function bidsOf(entity: Entity | undefined): readonly AuctionBid[] {
  return entity !== undefined && isOfKind('auction', entity) ? entity.bids : NOTHING;
}

function offersOf(entity: Entity | undefined): readonly Proposal[] {
  return entity !== undefined && isOfKind('negotiation', entity) ? entity.proposals : NOTHING;
}

function difference<T>(
  before: readonly T[],
  after: readonly T[],
  partOf: (item: T) => Part,
): { readonly gone: readonly Part[]; readonly come: readonly Part[] } {
  if (before === after) return NO_PARTS;
  const gone: Part[] = [];
  let next = 0;
  for (const item of before) {
    if (next < after.length && item === after[next]) next++;
    else gone.push(partOf(item));
  }
  return { gone, come: after.slice(next).map(partOf) };
}

function partOfBid({ bidder, content }: AuctionBid): Part {
  return { agent: bidder, bytes: BID_BYTES + weightOfJson(content) };
}

/** As if everyone had accepted it. */
function partOfOffer({ proposer, content }: Proposal, participants: number): Part {
  return { agent: proposer, bytes: OFFER_BYTES + SLOT_BYTES * participants + weightOfJson(content) };
}
