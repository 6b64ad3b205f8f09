import type { Delegation } from '../../protocol/delegations.ts';
import { isLive } from '../../rules/index.ts';
import type { DomainEvent } from '../kernel/events.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { DelegationEvent } from './events.ts';
import { linkOf } from './live-delegations.ts';

/** The effects of time on it. */
export function lapseDelegation(
  _state: PoolState,
  delegation: Delegation,
  now: number,
): readonly DelegationEvent[] {
  if (delegation.state !== 'live' || isLive(linkOf(delegation), now)) return [];
  const { id, delegatorId, delegateeId } = delegation;
  return [{ type: 'delegation.expired', id, data: { delegatorId, delegateeId, cause: 'expired' } }];
}

/** A pool that is about to be removed takes its delegations with it. */
export function endWithPool({ delegations }: PoolState, limit: number): DomainEvent[] {
  return delegations.first(limit).map(({ delegationId, delegatorId, delegateeId }) => ({
    type: 'delegation.expired',
    id: delegationId,
    data: { delegatorId, delegateeId, cause: 'pool_closed' },
  }));
}
