import type { Delegation } from '../../protocol/delegations.ts';
import type { DomainEvent } from '../events.ts';
import type { PoolState } from '../world/pool-state.ts';

/** What time alone does to it, at or after its `dueAt`. */
export function lapseDelegation(
  _state: PoolState,
  _delegation: Delegation,
  _now: number,
): readonly DomainEvent[] {
  return [];
}
