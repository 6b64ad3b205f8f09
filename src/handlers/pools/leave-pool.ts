import { isRejected, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { existingPool, presenceLapsed } from './guards.ts';
import { endStay } from './membership.ts';

export const leavePool: Handler<'LeavePool'> = {
  decide(world, _decision, context) {
    const state = existingPool(world, context);
    if (isRejected(state)) return state;
    const { self, now } = context;
    const member = state.membership(self);
    if (member === undefined || presenceLapsed(member, now)) {
      return rejected('not_a_member', `${self} has not joined pool ${context.pool}`);
    }
    return endStay(state, { agent: self, why: 'left', at: now });
  },
};
