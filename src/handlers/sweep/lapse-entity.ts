import type { Entities, EntityKind, EntityRef } from '../../protocol/entities.ts';
import { lapseAuction } from '../auctions/due.ts';
import { lapseDelegation } from '../delegations/due.ts';
import type { DomainEvent } from '../kernel/events.ts';
import { lapseNegotiation } from '../negotiations/due.ts';
import { lapse } from '../tasks/lapse.ts';
import { lapseVote } from '../votes/due.ts';
import type { PoolState } from '../world/pool-state.ts';

type Lapse<K extends EntityKind> = (
  state: PoolState,
  entity: Entities[K],
  now: number,
  dueAt: number,
) => readonly DomainEvent[];

const LAPSE: { readonly [K in EntityKind]: Lapse<K> } = {
  // As of when it fell due: later effects of time fall due in their turn.
  task: (state, task, _now, dueAt) => lapse(state, task, dueAt).events,
  auction: lapseAuction,
  vote: lapseVote,
  negotiation: lapseNegotiation,
  delegation: lapseDelegation,
};

/** The effects of time on an entity that fell due at `dueAt`. */
export function lapseEntity<K extends EntityKind>(
  state: PoolState,
  { kind, id }: EntityRef & { readonly kind: K },
  dueAt: number,
  now: number,
): readonly DomainEvent[] {
  const entity = state.entities[kind].get(id);
  return entity === undefined ? [] : LAPSE[kind](state, entity, now, dueAt);
}
