import type { Delegation } from '../../protocol/delegations.ts';
import { SYSTEM } from '../../protocol/names.ts';
import { isLive } from '../../rules/index.ts';
import type { DomainEvent } from '../events.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { DelegationEvent } from './events.ts';
import { linkOf } from './live-delegations.ts';

/** What time alone does to it, and what is left of a revocation that had too much downstream to be done at once. */
export function lapseDelegation(
  { delegations }: PoolState,
  delegation: Delegation,
  now: number,
): readonly DelegationEvent[] {
  if (delegation.state !== 'live') return [];
  const { id, delegatorId, delegateeId, passedOn } = delegation;
  if (!isLive(linkOf(delegation), now)) {
    return [{ type: 'delegation.expired', id, data: { delegatorId, delegateeId, cause: 'expired' } }];
  }
  if (passedOn === undefined || !delegations.isLeftOver(delegation)) return [];
  const data = { delegatorId, delegateeId, by: SYSTEM, with: passedOn.parentId };
  return [{ type: 'delegation.revoked', id, data }];
}

/** A pool that is about to be removed takes its delegations with it. */
export function endWithPool({ delegations }: PoolState, limit: number): DomainEvent[] {
  return delegations.first(limit).map(({ delegationId, delegatorId, delegateeId }) => ({
    type: 'delegation.expired',
    id: delegationId,
    data: { delegatorId, delegateeId, cause: 'pool_closed' },
  }));
}
