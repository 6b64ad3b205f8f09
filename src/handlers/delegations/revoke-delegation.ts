import { MAX_IDS_TOLD } from '../../protocol/limits.ts';
import { downstream } from '../../rules/index.ts';
import { accepted, isRejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { existingPool } from '../pools/guards.ts';
import type { DelegationEvent } from './events.ts';
import { byDelegator, existingDelegation, liveDelegation } from './guards.ts';

/**
 * Ends a delegation, and with it all that was passed on from it: none of that works from here on, since a chain goes
 * through live delegations only. That it is revoked follows, in bounded steps.
 */
export const revokeDelegation: Handler<'RevokeDelegation'> = {
  touches: ({ delegationId }) => [{ kind: 'delegation', id: delegationId }],
  decide(world, { delegationId }, context) {
    const state = existingPool(world, context);
    if (isRejected(state)) return state;
    const found = existingDelegation(state, delegationId);
    if (isRejected(found)) return found;
    const own = byDelegator(found, context);
    if (isRejected(own)) return own;
    const delegation = liveDelegation(state, own, context);
    if (isRejected(delegation)) return delegation;
    const passedOn = state.delegations.passedOnFrom(delegationId);
    const further = downstream(passedOn, delegationId, context.now);
    const { delegatorId, delegateeId } = delegation;
    const data = { delegatorId, delegateeId, by: context.self };
    const revoked: DelegationEvent = { type: 'delegation.revoked', id: delegationId, data };
    return accepted([revoked], {
      revoked: [delegationId, ...further.slice(0, MAX_IDS_TOLD - 1).map((link) => link.delegationId)],
      count: further.length + 1,
    });
  },
};
