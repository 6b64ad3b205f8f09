/**
 * What has ended is in memory only as long as something that has not ended waits to be told of its end: tasks on which others
 * depend or that an open auction gives away, delegations on which others rest.
 */
import { type Entity, type EntityRef, entityRef, hasEnded, isOfKind, isTask, refOf } from './entities.ts';

/** What one that has not ended names, whether or not that has. */
export function namedBy(entity: Entity): readonly EntityRef[] {
  if (hasEnded(entity)) return NOTHING;
  if (isTask(entity))
    return entity.state === 'blocked' ? entity.waitingFor.map((id) => ({ kind: 'task', id })) : NOTHING;
  if (isOfKind('auction', entity))
    return entity.state === 'open' && entity.taskId !== undefined
      ? [{ kind: 'task', id: entity.taskId }]
      : NOTHING;
  if (isOfKind('delegation', entity) && entity.passedOn !== undefined)
    return [{ kind: 'delegation', id: entity.passedOn.parentId }];
  return NOTHING;
}

/** Of a pool's entities that have not ended: what they name besides each other, once each. */
export function stillNamed(live: readonly Entity[]): readonly EntityRef[] {
  const known = new Set(live.map((entity) => keyOf(refOf(entity))));
  const named = new Map(live.flatMap(namedBy).map((ref) => [keyOf(ref), ref]));
  return [...named].flatMap(([key, ref]) => (known.has(key) ? [] : [ref]));
}

const NOTHING: readonly EntityRef[] = [];

function keyOf({ kind, id }: EntityRef): string {
  return entityRef(kind, id);
}
