/** The five kinds of things that live in a pool, are kept for a while after their end, and are then removed. */
import { ENTITY_KINDS } from './entities.ts';

export const KINDS = ['task', ...ENTITY_KINDS] as const;
export type Kind = (typeof KINDS)[number];

/** One of them in a pool that is known. */
export interface DocumentRef {
  readonly kind: Kind;
  readonly id: string;
}
