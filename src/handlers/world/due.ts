/** What falls due in a pool, when, and in which order. */
import { isClaimed, type Task } from '../../protocol/documents.ts';
import {
  type Entity,
  type EntityKind,
  type Group,
  hasEnded,
  isTask,
  KINDS,
} from '../../protocol/entities.ts';

/** Something whose time comes. `at` is log time, milliseconds; `id` is the pool's where all of it is meant. */
export type Due = { readonly at: number; readonly id: string } & (
  | { readonly what: 'entity'; readonly kind: EntityKind }
  | { readonly what: 'retention'; readonly group: Group }
  | { readonly what: 'member' | 'offer' | 'removal' }
);

/** Under which the retention of a group stands among what is due in a pool. */
export function retentionKey(group: Group): string {
  return `r/${group}`;
}

export function isOfTask(due: Due): boolean {
  return due.what === 'entity' && due.kind === 'task';
}

/** Where things stand among those that fall due in the same millisecond: replays depend on it. */
const RANK = {
  entity: { collective: 0, tasks: 5 },
  retention: { collective: 1, tasks: 4 },
  member: 2,
  removal: 3,
  offer: 6,
} as const;

function rankOf(due: Due): number {
  switch (due.what) {
    case 'entity':
      return RANK.entity[KINDS[due.kind].group];
    case 'retention':
      return RANK.retention[due.group];
    default:
      return RANK[due.what];
  }
}

/** Total: of one thing each falls due but once. */
export function dueBefore(a: Due, b: Due): boolean {
  if (a.at !== b.at) return a.at < b.at;
  const [rankOfA, rankOfB] = [rankOf(a), rankOf(b)];
  if (rankOfA !== rankOfB) return rankOfA < rankOfB;
  if (a.what === 'entity' && b.what === 'entity' && a.kind !== b.kind) return a.kind < b.kind;
  return a.id < b.id;
}

/** When time next changes an entity; undefined when it never does. */
export function entityDue(entity: Entity | undefined): number | undefined {
  if (entity === undefined || hasEnded(entity)) return undefined;
  return isTask(entity) ? taskDue(entity) : entity.dueAt;
}

function taskDue(task: Task): number | undefined {
  const deadline = task.deadline ?? Number.POSITIVE_INFINITY;
  const own = isClaimed(task)
    ? task.claim.expiresAt
    : task.state === 'scheduled'
      ? task.readyAt
      : Number.POSITIVE_INFINITY;
  const at = Math.min(deadline, own);
  return at === Number.POSITIVE_INFINITY ? undefined : at;
}
