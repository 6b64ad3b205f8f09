/** The five kinds of things that live in a pool, are kept for a while after their end, and are then removed. */
import { isFinal, type Task } from './documents.ts';
import { ENTITY_KINDS, type Entity } from './entities.ts';

export const KINDS = ['task', ...ENTITY_KINDS] as const;
export type Kind = (typeof KINDS)[number];

/** One of them in a pool that is known. */
export interface DocumentRef {
  readonly kind: Kind;
  readonly id: string;
}

/** It is kept for a while, and nothing but its removal happens to it. */
export function hasEnded(document: Task | Entity | undefined): boolean {
  if (document === undefined) return false;
  return 'kind' in document ? document.finishedAt !== undefined : isFinal(document);
}
