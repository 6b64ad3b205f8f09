import { isRejected, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { operatedPool, presenceLapsed, standsAbove } from '../pools/guards.ts';
import { endStay } from '../pools/membership.ts';

/** Ends a membership; who is removed may join again where the admission lets it. To keep it out is a ban. */
export const removeMember: Handler<'RemoveMember'> = {
  decide(world, { agentId, reason }, context) {
    const state = operatedPool(world, context);
    if (isRejected(state)) return state;
    const { pool, self, now } = context;
    const member = state.membership(agentId);
    if (member === undefined || presenceLapsed(member, now)) {
      return rejected('not_a_member', `${agentId} is not a member of pool ${pool}`);
    }
    if (!standsAbove(state, self, agentId) && agentId !== self) {
      return rejected('not_allowed', `${self} may not remove ${agentId} from pool ${pool}`);
    }
    return endStay(state, { agent: agentId, why: 'removed', at: now, reason });
  },
};
