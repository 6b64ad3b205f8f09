import { MAX_CASCADE } from '../../protocol/limits.ts';
import { downstream, type Delegation as Link } from '../../rules/index.ts';
import { accepted, isRejected } from '../decided.ts';
import type { Context, Handler } from '../handler.ts';
import { existingPool } from '../pools/guards.ts';
import type { DelegationEvent } from './events.ts';
import { byDelegator, existingDelegation, liveDelegation } from './guards.ts';
import { linkOf } from './live-delegations.ts';

/**
 * Ends a delegation and all that was passed on from it. Where that is more than one decision settles, the sweep does the
 * rest; none of it works meanwhile, since a chain goes through live delegations only.
 */
export const revokeDelegation: Handler<'RevokeDelegation'> = {
  type: 'RevokeDelegation',
  touchesEntities: ({ delegationId }) => [{ kind: 'delegation', id: delegationId }],
  decide(world, { delegationId }, context) {
    const state = existingPool(world, context);
    if (isRejected(state)) return state;
    const found = existingDelegation(state, delegationId);
    if (isRejected(found)) return found;
    const own = byDelegator(found, context);
    if (isRejected(own)) return own;
    const delegation = liveDelegation(own, context);
    if (isRejected(delegation)) return delegation;
    const passedOn = state.delegations.passedOnFrom(delegationId);
    const further = downstream(passedOn, delegationId, context.now).slice(0, MAX_CASCADE);
    const events = [
      revoked(linkOf(delegation), undefined, context),
      ...further.map((link) => revoked(link, delegationId, context)),
    ];
    return accepted(events, { revoked: events.map(({ id }) => id) });
  },
};

function revoked(
  { delegationId, delegatorId, delegateeId }: Link,
  upstream: string | undefined,
  { self }: Context,
): DelegationEvent {
  const data = { delegatorId, delegateeId, by: self, ...(upstream === undefined ? {} : { with: upstream }) };
  return { type: 'delegation.revoked', id: delegationId, data };
}
