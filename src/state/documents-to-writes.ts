/**
 * From changed documents to the writes that keep them and their indexes. Which index entries a document has is a
 * function of the document alone, so that a change is the difference of two of them and nothing can be forgotten.
 */

import { type Delegation, partiesOf } from '../protocol/delegations.ts';
import { type DocumentChange, isEntityChange } from '../protocol/document-change.ts';
import {
  claimClass,
  isClaimable,
  isClaimed,
  type Member,
  type Pool,
  type Task,
} from '../protocol/documents.ts';
import {
  type Entities,
  type Entity,
  type EntityKind,
  entityRef,
  isOfKind,
  isTask,
  KINDS,
  refOf,
} from '../protocol/entities.ts';
import { pushAll } from '../protocol/lists.ts';
import { SYSTEM } from '../protocol/names.ts';
import { type Offer, offerKey } from '../protocol/offers.ts';
import { decisionKey } from '../protocol/outcome.ts';
import { classHash, endedMember, pendingMember, type ShardKeys } from './keys.ts';
import type { Operations } from './operations.ts';

interface Entry {
  readonly key: string;
  readonly member: string;
  readonly score: number;
}

interface Written {
  readonly hash: string;
  readonly field: string;
  readonly entries: readonly Entry[];
}

/** `text` is the JSON of the document after it, where it is known already. */
export function writeChange(
  keys: ShardKeys,
  change: DocumentChange,
  text: string | undefined,
  writes: Operations,
): void {
  const { before, after } = writtenBy(keys, change);
  if (after !== undefined)
    writes.addPair('HSET', after.hash, after.field, text ?? JSON.stringify(change.after));
  else if (before !== undefined) writes.add('HDEL', before.hash, before.field);
  writeEntries(before?.entries ?? [], after?.entries ?? [], writes);
  const receipt = releasedReceipt(change);
  if (receipt !== undefined) writes.add('UNREF', keys.receipts, receipt);
}

/** The receipt that holds one thing less after this change: what its decision created has gone, or was replaced. */
export function releasedReceipt(change: DocumentChange): string | undefined {
  // A member has none: it is not created by one decision. Nor has an offer: it ends before its outcome is forgotten, or soon after.
  if (change.kind === 'member' || change.kind === 'offer') return undefined;
  const { pool, before, after } = change;
  const gone = before?.origin;
  if (gone === undefined) return undefined;
  const isKept = gone.agent === after?.origin.agent && gone.decisionId === after.origin.decisionId;
  return isKept ? undefined : decisionKey(pool, gone.agent, gone.decisionId);
}

/** Puts a document back as it was kept, byte for byte, with its index entries. Receipts are kept on their own. */
export function writeKept(
  keys: ShardKeys,
  change: DocumentChange,
  json: string | undefined,
  writes: Operations,
): void {
  const { before, after } = writtenBy(keys, change);
  if (after !== undefined && json !== undefined) writes.add('HSET', after.hash, after.field, json);
  else if (before !== undefined) writes.add('HDEL', before.hash, before.field);
  writeEntries(before?.entries ?? [], after?.entries ?? [], writes);
}

function writeEntries(before: readonly Entry[], after: readonly Entry[], writes: Operations): void {
  for (const old of before) {
    if (!after.some(({ key, member }) => key === old.key && member === old.member)) {
      writes.add('ZREM', old.key, old.member);
    }
  }
  for (const entry of after) {
    const isThere = before.some(
      ({ key, member, score }) => key === entry.key && member === entry.member && score === entry.score,
    );
    if (!isThere) writes.addPair('ZADD', entry.key, String(entry.score), entry.member);
  }
}

function writtenBy(keys: ShardKeys, change: DocumentChange): Sides<Written> {
  if (isEntityChange(change)) return both<Entity, Written>(change, (entity) => writtenEntity(keys, entity));
  if (change.kind === 'member') return both(change, (member) => writtenMember(keys, member));
  if (change.kind === 'offer') return both(change, (offer) => writtenOffer(keys, offer));
  return both(change, (pool) => writtenPool(keys, pool));
}

interface Sides<T> {
  readonly before: T | undefined;
  readonly after: T | undefined;
}

function both<D extends object, T>({ before, after }: Sides<D>, of: (document: D) => T): Sides<T> {
  return { before: before && of(before), after: after && of(after) };
}

function writtenPool(keys: ShardKeys, { pool }: Pool): Written {
  return { hash: keys.pools, field: pool, entries: [{ key: keys.poolNames, member: pool, score: 0 }] };
}

function writtenOffer(keys: ShardKeys, offer: Offer): Written {
  const { pool } = offer;
  const field = offerKey(offer);
  return {
    hash: keys.offers(pool),
    field,
    entries: [{ key: keys.offerNames(pool), member: field, score: 0 }],
  };
}

function writtenMember(keys: ShardKeys, { pool, agent }: Member): Written {
  return {
    hash: keys.members(pool),
    field: agent,
    entries: [
      { key: keys.memberNames(pool), member: agent, score: 0 },
      { key: keys.poolsOf(agent), member: pool, score: 0 },
    ],
  };
}

function writtenEntity(keys: ShardKeys, entity: Entity): Written {
  const { pool, order, state, finishedAt } = entity;
  const ref = refOf(entity);
  const { kind, id } = ref;
  const entries: Entry[] = [{ key: keys.entitiesIn(pool, kind, state), member: id, score: order }];
  if (finishedAt !== undefined)
    entries.push({ key: keys.ended(pool, KINDS[kind].group), member: endedMember(ref), score: finishedAt });
  else if (!isTask(entity))
    entries.push({ key: keys.liveEntities(pool), member: entityRef(kind, id), score: order });
  pushAll(entries, ownEntries(keys, kind, entity));
  return { hash: keys.entities(pool, kind), field: id, entries };
}

/** Of the indexes that are special to a kind. */
const OWN_ENTRIES: {
  readonly [K in EntityKind]?: (keys: ShardKeys, entity: Entities[K]) => readonly Entry[];
} = { task: entriesOfTask, delegation: entriesOfDelegation };

function ownEntries<K extends EntityKind>(keys: ShardKeys, kind: K, entity: Entity): readonly Entry[] {
  return isOfKind(kind, entity) ? (OWN_ENTRIES[kind]?.(keys, entity) ?? []) : [];
}

function entriesOfTask(keys: ShardKeys, task: Task): readonly Entry[] {
  const { pool, taskId, order } = task;
  const entries: Entry[] = [];
  const agent = agentOf(task);
  if (agent !== undefined)
    entries.push({ key: keys.entitiesOf(pool, 'task', agent, task.state), member: taskId, score: order });
  if (isClaimable(task)) {
    const key = keys.pending(pool, classHash(claimClass(task)));
    entries.push({ key, member: pendingMember(task), score: -task.priority });
  }
  return entries;
}

/** The delegations of an agent in a pool are looked up whenever a stranger asks about the pool. */
function entriesOfDelegation(keys: ShardKeys, delegation: Delegation): readonly Entry[] {
  const { pool, state, id, order } = delegation;
  const entries = partiesOf(delegation).map((agent) => ({
    key: keys.entitiesOf(pool, 'delegation', agent, state),
    member: id,
    score: order,
  }));
  if (state === 'live' && delegation.delegationKind === 'direct')
    entries.push({ key: keys.delegatedTo(pool, delegation.delegateeId), member: id, score: order });
  return entries;
}

/** Who holds the task, or held it when it ended. */
/** In whose index of tasks it stands: who holds it, or who has finished it. */
export function agentOf(task: Task): string | undefined {
  if (isClaimed(task)) return task.claim.agent;
  if (task.state !== 'completed' && task.state !== 'failed') return undefined;
  return task.finishedBy === SYSTEM ? undefined : task.finishedBy;
}
