/** Decisions of system operators about all pools of a shard at once; sent to every shard, they apply everywhere. */

import type { DecisionOf, SingleDecision } from '../../protocol/decisions/index.ts';
import { MAX_BANS } from '../../protocol/limits.ts';
import { pushAll } from '../../protocol/lists.ts';
import { EVERYWHERE, fenceKey } from '../../protocol/marks.ts';
import { COMMONS } from '../../protocol/names.ts';
import type { ShardOutcomeData } from '../../protocol/outcome-data.ts';
import { Budget } from '../kernel/consequences/budget.ts';
import { fenceAt } from '../kernel/consequences/fences.ts';
import { settleTurn } from '../kernel/consequences/settle.ts';
import { type Rejected, rateLimited, rejected } from '../kernel/decided.ts';
import type { DomainEvent } from '../kernel/events.ts';
import type { Context } from '../kernel/handler.ts';
import { withReason } from '../pools/membership.ts';
import { claimIsLive } from '../tasks/lapse.ts';
import type { AppliedEvent, World } from '../world/world.ts';

export interface DecidedForShard<D = ShardOutcomeData[keyof ShardOutcomeData]> {
  readonly events: readonly AppliedEvent[];
  readonly data: D;
}

export function decideForShard(
  world: World,
  decision: SingleDecision,
  context: Context,
): DecidedForShard | Rejected {
  switch (decision.type) {
    case 'BanAgent':
      return banEverywhere(world, decision, context);
    case 'UnbanAgent':
      return unbanEverywhere(world, decision.agentId, context);
    default:
      return rejected('unknown_type', `${decision.type} cannot be applied to a whole shard`);
  }
}

/**
 * Nothing of the agent is accepted from here on in any pool, and what it has in them is void: one mark, however many pools
 * that are. That its memberships end and its claims go back follows in bounded steps.
 */
function banEverywhere(
  world: World,
  { agentId: agent, reason, cancelWork }: DecisionOf<'BanAgent'>,
  context: Context,
): DecidedForShard<ShardOutcomeData['BanAgent']> | Rejected {
  const { now, shard } = context;
  if (world.bans.has(agent))
    return rejected('already_banned', `${agent} is already banned from shard ${shard}`);
  if (world.bans.size >= MAX_BANS) {
    const met = { quota: 'bans', limit: MAX_BANS, used: world.bans.size };
    return rateLimited(
      `shard ${shard} has banned ${world.bans.size} agents, the most that a shard may ban`,
      met,
    );
  }
  const pools = world.marks.poolsOf(agent);
  const released = pools.reduce((sum, pool) => sum + claimsIn(world, pool, agent, now), 0);
  world.changeBan(agent, { agent, at: now, reason });
  const cancelsWork = cancelWork === true ? true : undefined;
  world.fence(EVERYWHERE, agent, fenceAt({ agent, why: 'banned', at: now, reason, cancelsWork }, context));
  const events = told(world, 'agent.banned', agent, reason, now);
  const budget = new Budget(world.settings.consequencesAtOnce);
  pushAll(events, settleTurn(world, fenceKey(EVERYWHERE, agent), now, budget));
  return { events, data: { released, pools: pools.length } };
}

/** How many claims the agent holds in a pool. */
function claimsIn(world: World, pool: string, agent: string, now: number): number {
  const state = world.pool(pool);
  return state?.heldBy(agent).filter((task) => claimIsLive(state, task, now)).length ?? 0;
}

function unbanEverywhere(
  world: World,
  agent: string,
  { now, shard }: Context,
): DecidedForShard<ShardOutcomeData['UnbanAgent']> | Rejected {
  if (!world.bans.has(agent)) return rejected('not_banned', `${agent} is not banned from shard ${shard}`);
  world.changeBan(agent, undefined);
  return { events: told(world, 'agent.unbanned', agent, undefined, now), data: {} };
}

/** A shard has no events of its own: the pool that always exists tells it, on the one shard that has it. */
function told(
  world: World,
  type: 'agent.banned' | 'agent.unbanned',
  agent: string,
  reason: string | undefined,
  now: number,
): AppliedEvent[] {
  if (world.pool(COMMONS) === undefined) return [];
  const event: DomainEvent =
    type === 'agent.banned'
      ? { type, id: agent, data: { everywhere: true, ...withReason(reason) } }
      : { type, id: agent, data: { everywhere: true } };
  return [world.apply(COMMONS, event, now)];
}
