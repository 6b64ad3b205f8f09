import { accepted, isRejected, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { operatedPool } from '../pools/guards.ts';

/** The agent may join again; what was ended by the ban stays ended. */
export const unbanAgent: Handler<'UnbanAgent'> = {
  decide(world, { agentId }, context) {
    const state = operatedPool(world, context);
    if (isRejected(state)) return state;
    if (state.doc.banned?.includes(agentId) !== true) {
      return rejected('not_banned', `${agentId} is not banned from pool ${context.pool}`);
    }
    return accepted([{ type: 'agent.unbanned', id: agentId, data: {} }]);
  },
};
