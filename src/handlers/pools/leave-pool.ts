import { accepted, isRejected, rejected } from '../decided.ts';
import type { Handler } from '../handler.ts';
import { existingPool, presenceLapsed } from './guards.ts';
import { endMembership } from './membership.ts';

export const leavePool: Handler<'LeavePool'> = {
  type: 'LeavePool',
  decide(world, _decision, context) {
    const state = existingPool(world, context);
    if (isRejected(state)) return state;
    const member = state.members.get(context.self);
    if (member === undefined || presenceLapsed(member, context.now)) {
      return rejected('not_a_member', `${context.self} has not joined pool ${context.pool}`);
    }
    const events = endMembership(state, member, 'left', context.now);
    return accepted(events, {
      released: events.filter(({ type }) => type === 'task.released').map(({ id }) => id),
    });
  },
};
