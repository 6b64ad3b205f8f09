import type { Member, Pool } from './documents.ts';
import { type Entities, type Entity, type EntityKind, refOf } from './entities.ts';
import { type Offer, offerKey } from './offers.ts';

interface Change<Kind extends string, Document> {
  readonly kind: Kind;
  readonly pool: string;
  readonly before: Document | undefined;
  after: Document | undefined;
}

export type EntityChange<K extends EntityKind = EntityKind> = { [P in K]: Change<P, Entities[P]> }[K];

/** A document before and after some decisions: what a commit has to write. `before` is what the store holds. */
export type OfferChange = Change<'offer', Offer>;
export type DocumentChange = Change<'pool', Pool> | Change<'member', Member> | OfferChange | EntityChange;

/** The document that a change is about: as it is after it, or as it was where it goes. */
export function changed<D extends object>({
  before,
  after,
}: {
  readonly before: D | undefined;
  readonly after: D | undefined;
}): D {
  const document = after ?? before;
  if (document === undefined) throw new Error('a change of no document');
  return document;
}

/** The name of the document in its pool: of those of one kind no two have the same. */
export function changedId(change: DocumentChange): string {
  switch (change.kind) {
    case 'pool':
      return change.pool;
    case 'member':
      return changed(change).agent;
    case 'offer':
      return offerKey(changed(change));
    default:
      return refOf(changed<Entity>(change)).id;
  }
}

/** Two changes of the same document have the same key. */
export function keyOf(change: DocumentChange): string {
  return `${change.kind}/${change.pool}/${changedId(change)}`;
}

export function isEntityChange(change: DocumentChange): change is EntityChange {
  return change.kind !== 'pool' && change.kind !== 'member' && change.kind !== 'offer';
}
