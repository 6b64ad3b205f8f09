import { MAX_BANS } from '../../protocol/limits.ts';
import { accepted, isRejected, rateLimited, rejected } from '../decided.ts';
import type { DomainEvent } from '../events.ts';
import type { Handler } from '../handler.ts';
import { operatedPool, standsAbove } from '../pools/guards.ts';
import { endClaims, endMembership, withReason } from '../pools/membership.ts';
import type { PoolState } from '../world/pool-state.ts';
import { releasedIn } from './released.ts';

/**
 * From here on nothing of the agent is accepted in the pool. Its claims are released and its membership ends in the same
 * step; what it submitted, opened, bid and cast before was accepted then, and stays, but for auctions it could still win.
 */
export const banAgent: Handler<'BanAgent'> = {
  type: 'BanAgent',
  decide(world, { agentId, reason }, context) {
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
    const ended = shutOut(state, agentId, now, reason);
    const ban: DomainEvent = { type: 'agent.banned', id: agentId, data: withReason(reason) };
    return accepted([...ended, ban], { released: releasedIn(ended) });
  },
};

/** Everything the agent has in the pool ends: its claims (in `commons` also those of a stranger) and its membership. */
export function shutOut(
  state: PoolState,
  agent: string,
  now: number,
  reason: string | undefined,
): DomainEvent[] {
  const member = state.members.get(agent);
  return member === undefined
    ? endClaims(state, agent, 'banned', now)
    : endMembership(state, member, 'banned', now, reason);
}
