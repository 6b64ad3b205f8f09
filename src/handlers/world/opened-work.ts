/** Unfinished work by who made it: tasks by their submitters, the rest by who opened it or granted it. */
import { isFinal, type Task } from '../../protocol/documents.ts';
import { type Entity, openerOf } from '../../protocol/entities.ts';
import type { Made } from '../../protocol/marks.ts';
import type { VoidThing } from './void-things.ts';

export type OpenedThing = Omit<VoidThing, 'fence'> & Made & { readonly endsAt: number };

export function openedTask(task: Task | undefined): OpenedThing | undefined {
  if (task === undefined || isFinal(task)) return undefined;
  const { taskId: id, submitter: agent, order, submittedAt: at } = task;
  return { kind: 'task', agent, id, order, at, endsAt: Number.POSITIVE_INFINITY };
}

/** An auction that is awarded goes on with its task. */
export function openedEntity(entity: Entity | undefined): OpenedThing | undefined {
  if (entity === undefined || entity.finishedAt !== undefined) return undefined;
  if (entity.kind === 'auction' && entity.state !== 'open') return undefined;
  const { kind, id, order, openedAt: at, dueAt: endsAt = Number.POSITIVE_INFINITY } = entity;
  return { kind, agent: openerOf(entity), id, order, at, endsAt };
}
