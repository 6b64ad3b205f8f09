/**
 * From changed documents to the writes that keep them and their indexes. Which index entries a document has is a
 * function of the document alone, so that a change is the difference of two of them and nothing can be forgotten.
 */

import { partiesOf } from '../protocol/delegations.ts';
import type { DocumentChange } from '../protocol/document-change.ts';
import {
  claimClass,
  isClaimable,
  isClaimed,
  isFinal,
  type Member,
  type Origin,
  type Pool,
  type Task,
} from '../protocol/documents.ts';
import { type Entity, entityRef } from '../protocol/entities.ts';
import { SYSTEM } from '../protocol/names.ts';
import { decisionKey } from '../protocol/outcome.ts';
import { classHash, pendingMember, type ShardKeys } from './keys.ts';
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
  const before = change.before === undefined ? undefined : writtenBefore(keys, change);
  const after = change.after === undefined ? undefined : writtenAfter(keys, change);
  if (after !== undefined)
    writes.addPair('HSET', after.hash, after.field, text ?? JSON.stringify(change.after));
  else if (before !== undefined) writes.add('HDEL', before.hash, before.field);
  writeEntries(before?.entries ?? [], after?.entries ?? [], writes);
  const receipt = releasedReceipt(change);
  if (receipt !== undefined) writes.add('UNREF', keys.receipts, receipt);
}

/** The receipt that holds one thing less after this change: what its decision created has gone, or was replaced. */
export function releasedReceipt({ kind, pool, before, after }: DocumentChange): string | undefined {
  const gone = originOf(kind, before);
  if (gone === undefined || isSameOrigin(gone, originOf(kind, after))) return undefined;
  return decisionKey(pool, gone.agent, gone.decisionId);
}

/** Puts a document back as it was kept, byte for byte, with its index entries. Receipts are kept on their own. */
export function writeKept(
  keys: ShardKeys,
  change: DocumentChange,
  json: string | undefined,
  writes: Operations,
): void {
  const before = change.before === undefined ? undefined : writtenBefore(keys, change);
  const after = change.after === undefined ? undefined : writtenAfter(keys, change);
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

/** Whose receipt goes when the thing goes: pools and tasks are created by one decision each, members are not. */
function originOf(
  kind: DocumentChange['kind'],
  document: Pool | Member | Task | Entity | undefined,
): Origin | undefined {
  return kind === 'member' || document === undefined || !('origin' in document) ? undefined : document.origin;
}

function isSameOrigin(a: Origin, b: Origin | undefined): boolean {
  return a.agent === b?.agent && a.decisionId === b.decisionId;
}

function writtenBefore(keys: ShardKeys, change: DocumentChange): Written | undefined {
  switch (change.kind) {
    case 'pool':
      return change.before && writtenPool(keys, change.before);
    case 'member':
      return change.before && writtenMember(keys, change.before);
    case 'task':
      return change.before && writtenTask(keys, change.before);
    case 'entity':
      return change.before && writtenEntity(keys, change.before);
  }
}

function writtenAfter(keys: ShardKeys, change: DocumentChange): Written | undefined {
  switch (change.kind) {
    case 'pool':
      return change.after && writtenPool(keys, change.after);
    case 'member':
      return change.after && writtenMember(keys, change.after);
    case 'task':
      return change.after && writtenTask(keys, change.after);
    case 'entity':
      return change.after && writtenEntity(keys, change.after);
  }
}

function writtenPool(keys: ShardKeys, { pool }: Pool): Written {
  return { hash: keys.pools, field: pool, entries: [{ key: keys.poolNames, member: pool, score: 0 }] };
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

function writtenTask(keys: ShardKeys, task: Task): Written {
  const { pool, taskId, order } = task;
  const entries: Entry[] = [{ key: keys.tasksIn(pool, task.state), member: taskId, score: order }];
  const agent = agentOf(task);
  if (agent !== undefined)
    entries.push({ key: keys.tasksOf(pool, agent, task.state), member: taskId, score: order });
  if (isClaimable(task)) {
    const key = keys.pending(pool, classHash(claimClass(task)));
    entries.push({ key, member: pendingMember(task), score: -task.priority });
  }
  if (isFinal(task)) entries.push({ key: keys.finals(pool), member: taskId, score: task.finishedAt });
  return { hash: keys.tasks(pool), field: taskId, entries };
}

function writtenEntity(keys: ShardKeys, entity: Entity): Written {
  const { pool, kind, id, order, finishedAt } = entity;
  const ref = entityRef(kind, id);
  return {
    hash: keys.entities(pool, kind),
    field: id,
    entries: [
      { key: keys.entitiesIn(pool, kind, entity.state), member: id, score: order },
      finishedAt === undefined
        ? { key: keys.liveEntities(pool), member: ref, score: order }
        : { key: keys.endedEntities(pool), member: ref, score: finishedAt },
      ...delegatedTo(keys, entity),
      ...delegationsOf(keys, entity),
    ],
  };
}

/** The delegations of an agent in a pool are looked up whenever a stranger asks about the pool. */
function delegatedTo(keys: ShardKeys, entity: Entity): readonly Entry[] {
  if (entity.kind !== 'delegation' || entity.state !== 'live' || entity.delegationKind !== 'direct')
    return [];
  const { pool, delegateeId, id, order } = entity;
  return [{ key: keys.delegatedTo(pool, delegateeId), member: id, score: order }];
}

function delegationsOf(keys: ShardKeys, entity: Entity): readonly Entry[] {
  if (entity.kind !== 'delegation') return [];
  const { pool, state, id, order } = entity;
  return partiesOf(entity).map((agent) => ({
    key: keys.delegationsOf(pool, agent, state),
    member: id,
    score: order,
  }));
}

/** Who holds the task, or held it when it ended. */
/** In whose index of tasks it stands: who holds it, or who has finished it. */
export function agentOf(task: Task): string | undefined {
  if (isClaimed(task)) return task.claim.agent;
  if (task.state !== 'completed' && task.state !== 'failed') return undefined;
  return task.finishedBy === SYSTEM ? undefined : task.finishedBy;
}
