/** Dispatches to each kind of entity: one function per question, one line per kind. */
import type { EntityChange } from '../../protocol/document-change.ts';
import { type Entities, type EntityKind, isEntityKind } from '../../protocol/entities.ts';
import type { AuctionEvent } from '../auctions/events.ts';
import { evolveAuction } from '../auctions/evolve.ts';
import type { DelegationEvent } from '../delegations/events.ts';
import { evolveDelegation } from '../delegations/evolve.ts';
import type { NegotiationEvent } from '../negotiations/events.ts';
import { evolveNegotiation } from '../negotiations/evolve.ts';
import { evolveTask } from '../tasks/evolve.ts';
import type { VoteEvent } from '../votes/events.ts';
import { evolveVote } from '../votes/evolve.ts';
import type { DomainEvent, TaskEvent } from './events.ts';

interface EventsOf {
  readonly task: TaskEvent;
  readonly auction: AuctionEvent;
  readonly vote: VoteEvent;
  readonly negotiation: NegotiationEvent;
  readonly delegation: DelegationEvent;
}

export type EntityEvent = EventsOf[EntityKind];

/** Live ones of a pool, and ended ones for as long as a batch needs them. */
export type EntityMaps = { readonly [K in EntityKind]: Map<string, Entities[K]> };

const EVOLVE: {
  readonly [K in EntityKind]: (
    before: Entities[K] | undefined,
    event: EventsOf[K],
    pool: string,
    now: number,
    place: number,
  ) => Entities[K] | undefined;
} = {
  task: evolveTask,
  auction: evolveAuction,
  vote: evolveVote,
  negotiation: evolveNegotiation,
  delegation: evolveDelegation,
};

export function kindOf(event: DomainEvent): EntityKind | undefined {
  const kind = event.type.slice(0, event.type.indexOf('.'));
  return isEntityKind(kind) ? kind : undefined;
}

export function isEntityEvent(event: DomainEvent): event is EntityEvent {
  return kindOf(event) !== undefined;
}

/** When, and at which place of the log, something happens in a pool. */
export interface Happening {
  readonly pool: string;
  readonly now: number;
  readonly place: number;
}

/** What becomes of the entity that the event is about. */
export function changeBy(maps: EntityMaps, event: EntityEvent, at: Happening): EntityChange {
  const kind = kindOf(event);
  const change = kind && changeOf(kind, maps, event, at);
  if (change === undefined) throw new Error(`${event.type} is an event of no entity`);
  return change;
}

function changeOf<K extends EntityKind>(
  kind: K,
  maps: EntityMaps,
  event: EntityEvent,
  { pool, now, place }: Happening,
): EntityChange<K> | undefined {
  if (!isOf(kind, event)) return undefined;
  const before = maps[kind].get(event.id);
  return { kind, pool, before, after: EVOLVE[kind](before, event, pool, now, place) };
}

function isOf<K extends EntityKind>(kind: K, event: EntityEvent): event is EventsOf[K] {
  return event.type.startsWith(`${kind}.`);
}

export function removedEvent(kind: EntityKind, id: string): EntityEvent {
  const type = `${kind}.removed` as const;
  return { type, id, data: {} };
}
