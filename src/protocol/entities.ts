/**
 * Entities: what lives in a pool, is made by one decision, ends, is kept for a while after its end, and is then removed. What
 * all kinds have in common is here, and is the only place that knows how a task differs in it; the rest is with each kind.
 */
import type { Auction } from './auctions.ts';
import type { Delegation } from './delegations.ts';
import { TASK_STATES, type Task } from './documents.ts';
import type { Negotiation } from './negotiations.ts';
import type { Vote } from './votes.ts';

/** The document of each kind. */
export interface Entities {
  readonly task: Task;
  readonly auction: Auction;
  readonly vote: Vote;
  readonly negotiation: Negotiation;
  readonly delegation: Delegation;
}

export type EntityKind = keyof Entities;
export type Entity = Entities[EntityKind];

/** Kinds of a group are counted together when they have ended: retention keeps so many of each group of a pool. */
export const GROUPS = ['tasks', 'collective'] as const;
export type Group = (typeof GROUPS)[number];

interface KindOfEntity {
  readonly group: Group;
  /** In the order in which they come. */
  readonly states: readonly string[];
  /** The event that makes one. */
  readonly madeBy: string;
}

/** Every kind, once. */
export const KINDS: Readonly<Record<EntityKind, KindOfEntity>> = {
  task: { group: 'tasks', states: TASK_STATES, madeBy: 'task.submitted' },
  auction: {
    group: 'collective',
    states: ['open', 'awarded', 'unsold', 'cancelled'],
    madeBy: 'auction.opened',
  },
  vote: { group: 'collective', states: ['open', 'closed'], madeBy: 'vote.opened' },
  negotiation: {
    group: 'collective',
    states: ['proposed', 'countered', 'accepted', 'rejected', 'expired'],
    madeBy: 'negotiation.opened',
  },
  delegation: { group: 'collective', states: ['live', 'revoked', 'expired'], madeBy: 'delegation.granted' },
};

export function isEntityKind(text: string): text is EntityKind {
  return Object.hasOwn(KINDS, text);
}

export const ENTITY_KINDS: readonly EntityKind[] = Object.keys(KINDS).filter(isEntityKind);

/** One entity of a pool that is known. */
export interface EntityRef {
  readonly kind: EntityKind;
  readonly id: string;
}

/** How it is named where several kinds stand together. */
export function entityRef(kind: EntityKind, id: string): string {
  return `${kind}/${id}`;
}

export function parseEntityRef(ref: string): EntityRef | undefined {
  const slash = ref.indexOf('/');
  const kind = ref.slice(0, slash);
  return isEntityKind(kind) ? { kind, id: ref.slice(slash + 1) } : undefined;
}

export function isTask(entity: Entity): entity is Task {
  return !('kind' in entity);
}

export function refOf(entity: Entity): EntityRef {
  return isTask(entity) ? { kind: 'task', id: entity.taskId } : { kind: entity.kind, id: entity.id };
}

export function isOfKind<K extends EntityKind>(kind: K, entity: Entity): entity is Entities[K] {
  return refOf(entity).kind === kind;
}

/** It is kept for a while, and nothing but its removal happens to it. */
export function hasEnded(entity: Entity | undefined): boolean {
  return entity?.finishedAt !== undefined;
}

/** Who submitted it, opened it, or granted it. */
export function openerOf(entity: Entity): string {
  if (isTask(entity)) return entity.submitter;
  return entity.kind === 'delegation' ? entity.delegatorId : entity.opener;
}

export function openedAtOf(entity: Entity): number {
  return isTask(entity) ? entity.submittedAt : entity.openedAt;
}

/** How much of a group a pool keeps that has ended, and when the oldest of it did. */
export interface Retained {
  readonly count: number;
  readonly oldestAt: number | undefined;
}

export type RetainedByGroup = Readonly<Record<Group, Retained>>;

export const NOTHING_RETAINED: RetainedByGroup = ofGroups(() => ({ count: 0, oldestAt: undefined }));

/** Something of each group. */
export function ofGroups<T>(make: (group: Group) => T): Record<Group, T> {
  return { tasks: make('tasks'), collective: make('collective') };
}
