/** Dispatches to each kind of entity that agents decide together: one function per question, one line per kind. */
import { type Entities, type Entity, type EntityKind, isEntityKind } from '../../protocol/entities.ts';
import type { AuctionEvent } from '../auctions/events.ts';
import { evolveAuction } from '../auctions/evolve.ts';
import type { DelegationEvent } from '../delegations/events.ts';
import { evolveDelegation } from '../delegations/evolve.ts';
import type { NegotiationEvent } from '../negotiations/events.ts';
import { evolveNegotiation } from '../negotiations/evolve.ts';
import type { VoteEvent } from '../votes/events.ts';
import { evolveVote } from '../votes/evolve.ts';
import type { DomainEvent } from './events.ts';

export type EntityEvent = AuctionEvent | VoteEvent | NegotiationEvent | DelegationEvent;

/** Live ones of a pool, and ended ones for as long as a batch needs them. */
export type EntityMaps = { readonly [K in EntityKind]: Map<string, Entities[K]> };

export function kindOf(event: DomainEvent): EntityKind | undefined {
  const kind = event.type.slice(0, event.type.indexOf('.'));
  return isEntityKind(kind) ? kind : undefined;
}

export function isEntityEvent(event: DomainEvent): event is EntityEvent {
  return kindOf(event) !== undefined;
}

/** The entity that an event is about, as it is before it. */
export function entityOf(maps: EntityMaps, event: EntityEvent): Entity | undefined {
  const kind = kindOf(event);
  return kind && maps[kind].get(event.id);
}

export function evolveEntity(
  maps: EntityMaps,
  event: EntityEvent,
  pool: string,
  now: number,
): Entity | undefined {
  const { id } = event;
  if (isOf('auction', event)) return evolveAuction(maps.auction.get(id), event, pool, now);
  if (isOf('vote', event)) return evolveVote(maps.vote.get(id), event, pool, now);
  if (isOf('negotiation', event)) return evolveNegotiation(maps.negotiation.get(id), event, pool, now);
  return evolveDelegation(maps.delegation.get(id), event, pool, now);
}

function isOf<K extends EntityKind>(
  kind: K,
  event: EntityEvent,
): event is Extract<EntityEvent, { readonly type: `${K}.${string}` }> {
  return event.type.startsWith(`${kind}.`);
}

export function removedEvent(kind: EntityKind, id: string): EntityEvent {
  switch (kind) {
    case 'auction':
      return { type: 'auction.removed', id, data: {} };
    case 'vote':
      return { type: 'vote.removed', id, data: {} };
    case 'negotiation':
      return { type: 'negotiation.removed', id, data: {} };
    case 'delegation':
      return { type: 'delegation.removed', id, data: {} };
  }
}
