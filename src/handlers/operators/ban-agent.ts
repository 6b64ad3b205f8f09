import { MAX_BANS } from '../../protocol/limits.ts';
import { isRejected, rateLimited, rejected } from '../kernel/decided.ts';
import type { DomainEvent } from '../kernel/events.ts';
import type { Handler } from '../kernel/handler.ts';
import { operatedPool, standsAbove } from '../pools/guards.ts';
import { endStay, withReason } from '../pools/membership.ts';

/**
 * From here on nothing of the agent is accepted in the pool. Its membership is over with all that it holds,
 * and its bids can win nothing any more; what it submitted, opened and cast before was accepted then, and stays: but with
 * `cancelWork` what of it has not ended is cancelled, in bounded steps.
 */
export const banAgent: Handler<'BanAgent'> = {
  decide(world, { agentId, reason, cancelWork }, context) {
    const state = operatedPool(world, context);
    if (isRejected(state)) return state;
    const { pool, self, now } = context;
    if (!standsAbove(state, self, agentId)) {
      return rejected('not_allowed', `${self} may not ban ${agentId} from pool ${pool}`);
    }
    const banned = state.doc.banned ?? [];
    if (banned.includes(agentId))
      return rejected('already_banned', `${agentId} is already banned from pool ${pool}`);
    if (banned.length >= MAX_BANS) {
      const met = { quota: 'bans', limit: MAX_BANS, used: banned.length };
      return rateLimited(
        `pool ${pool} has banned ${banned.length} agents, the most that a pool may ban`,
        met,
      );
    }
    const ban: DomainEvent = { type: 'agent.banned', id: agentId, data: withReason(reason) };
    return endStay(
      state,
      { agent: agentId, why: 'banned', at: now, reason, cancelsWork: cancelWork === true ? true : undefined },
      [ban],
    );
  },
};
