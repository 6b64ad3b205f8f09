/**
 * What agents decide together: auctions, votes, negotiations, delegations. Each lives in a pool, is created by one
 * decision, ends, and is kept for a while after its end. The common part is here; the rest is with each kind.
 */
import type { Auction } from './auctions.ts';
import type { Delegation } from './delegations.ts';
import type { Negotiation } from './negotiations.ts';
import type { Vote } from './votes.ts';

export const ENTITY_KINDS = ['auction', 'vote', 'negotiation', 'delegation'] as const;
export type EntityKind = (typeof ENTITY_KINDS)[number];

/** The document of each kind. */
export interface Entities {
  readonly auction: Auction;
  readonly vote: Vote;
  readonly negotiation: Negotiation;
  readonly delegation: Delegation;
}

export type Entity = Entities[EntityKind];

/** Who opened it, or granted it. */
export function openerOf(entity: Entity): string {
  return entity.kind === 'delegation' ? entity.delegatorId : entity.opener;
}

/** The states of each kind, in the order in which they come. */
export const ENTITY_STATES: Readonly<Record<EntityKind, readonly string[]>> = {
  auction: ['open', 'awarded', 'unsold', 'cancelled'],
  vote: ['open', 'closed'],
  negotiation: ['proposed', 'countered', 'accepted', 'rejected', 'expired'],
  delegation: ['live', 'revoked', 'expired'],
};

/** One entity of a pool: how it is named where several kinds stand together. */
export function entityRef(kind: EntityKind, id: string): string {
  return `${kind}/${id}`;
}

export function isEntityKind(text: string): text is EntityKind {
  return Object.hasOwn(KINDS, text);
}

const KINDS: Readonly<Record<EntityKind, true>> = {
  auction: true,
  vote: true,
  negotiation: true,
  delegation: true,
};

export function parseEntityRef(ref: string): { readonly kind: EntityKind; readonly id: string } | undefined {
  const slash = ref.indexOf('/');
  const kind = ref.slice(0, slash);
  return isEntityKind(kind) ? { kind, id: ref.slice(slash + 1) } : undefined;
}
