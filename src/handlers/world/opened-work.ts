/** Unfinished work by who made it: who submitted it, opened it, or granted it. */
import {
  type Entity,
  hasEnded,
  isOfKind,
  isTask,
  openedAtOf,
  openerOf,
  refOf,
} from '../../protocol/entities.ts';
import type { Made } from '../../protocol/marks.ts';
import type { VoidThing } from './void-things.ts';

export type OpenedThing = Omit<VoidThing, 'fence'> & Made & { readonly endsAt: number };

/** An auction that is awarded goes on with its task. */
export function openedThing(entity: Entity | undefined): OpenedThing | undefined {
  if (entity === undefined || hasEnded(entity) || isAwarded(entity)) return undefined;
  const endsAt = isTask(entity) ? undefined : entity.dueAt;
  return {
    ...refOf(entity),
    agent: openerOf(entity),
    order: entity.order,
    at: openedAtOf(entity),
    endsAt: endsAt ?? Number.POSITIVE_INFINITY,
  };
}

function isAwarded(entity: Entity): boolean {
  return isOfKind('auction', entity) && entity.state === 'awarded';
}
