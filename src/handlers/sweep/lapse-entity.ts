import type { Entity } from '../../protocol/entities.ts';
import { lapseAuction } from '../auctions/due.ts';
import { lapseDelegation } from '../delegations/due.ts';
import type { DomainEvent } from '../kernel/events.ts';
import { lapseNegotiation } from '../negotiations/due.ts';
import { lapseVote } from '../votes/due.ts';
import type { PoolState } from '../world/pool-state.ts';

/** The effects of time on an entity whose `dueAt` has come. */
export function lapseEntity(state: PoolState, entity: Entity, now: number): readonly DomainEvent[] {
  switch (entity.kind) {
    case 'auction':
      return lapseAuction(state, entity, now);
    case 'vote':
      return lapseVote(state, entity, now);
    case 'negotiation':
      return lapseNegotiation(state, entity, now);
    case 'delegation':
      return lapseDelegation(state, entity, now);
  }
}
