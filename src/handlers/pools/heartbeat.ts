import { accepted, isRejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { existingPool, requireMember } from './guards.ts';

/** Presence only: the kernel keeps it for every decision of a member, so there is nothing left to do here. */
export const heartbeat: Handler<'Heartbeat'> = {
  decide(world, _decision, context) {
    const state = existingPool(world, context);
    if (isRejected(state)) return state;
    const member = requireMember(state, context);
    if (isRejected(member)) return member;
    return accepted([]);
  },
};
