import type { Cause } from '../../protocol/marks.ts';
import { SYSTEM } from '../../protocol/names.ts';
import { isLive } from '../../rules/index.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { DelegationEvent } from './events.ts';
import { linkOf } from './live-delegations.ts';

/**
 * The end of the first of the delegations whose parent has ended. It has given nobody anything since then, because
 * chains are walked from the principal; here it is written down and told.
 */
export function nextLeftOver({ delegations }: PoolState, now: number): DelegationEvent | undefined {
  const delegation = delegations.firstLeftOver();
  if (delegation?.passedOn === undefined) return undefined;
  const { id, delegatorId, delegateeId, passedOn } = delegation;
  if (!isLive(linkOf(delegation), now)) {
    return { type: 'delegation.expired', id, data: { delegatorId, delegateeId, cause: 'expired' } };
  }
  const data = { delegatorId, delegateeId, by: SYSTEM, with: passedOn.parentId };
  return { type: 'delegation.revoked', id, data };
}

/** What ended the parent of the first of them. */
export function causeOfLeftOver({ delegations, entities }: PoolState): Cause | undefined {
  const parentId = delegations.firstLeftOver()?.passedOn?.parentId;
  return parentId === undefined ? undefined : entities.delegation.get(parentId)?.because;
}
