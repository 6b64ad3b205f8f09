import type { Negotiation } from '../../protocol/negotiations.ts';
import type { DomainEvent } from '../events.ts';
import type { PoolState } from '../world/pool-state.ts';

/** What time alone does to it, at or after its `dueAt`. */
export function lapseNegotiation(
  _state: PoolState,
  _negotiation: Negotiation,
  _now: number,
): readonly DomainEvent[] {
  return [];
}
