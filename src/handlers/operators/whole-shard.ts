/** Decisions of system operators about all pools of a shard at once; sent to every shard, they apply everywhere. */

import type { SingleDecision } from '../../protocol/decisions/index.ts';
import type { Json } from '../../protocol/json.ts';
import { MAX_BANNED_AT_ONCE, MAX_BANS } from '../../protocol/limits.ts';
import { pushAll } from '../../protocol/lists.ts';
import { COMMONS } from '../../protocol/names.ts';
import { type Rejected, rateLimited, rejected } from '../decided.ts';
import type { DomainEvent } from '../events.ts';
import type { Context } from '../handler.ts';
import { withReason } from '../pools/membership.ts';
import type { AppliedEvent, World } from '../world/world.ts';
import { shutOut } from './ban-agent.ts';

export interface DecidedForShard {
  readonly events: readonly AppliedEvent[];
  readonly data: Json;
}

export function decideForShard(
  world: World,
  decision: SingleDecision,
  context: Context,
): DecidedForShard | Rejected {
  switch (decision.type) {
    case 'BanAgent':
      return banEverywhere(world, decision.agentId, decision.reason, context);
    case 'UnbanAgent':
      return unbanEverywhere(world, decision.agentId, context);
    default:
      return rejected('unknown_type', `${decision.type} cannot be applied to a whole shard`);
  }
}

/**
 * From here on the agent's decisions are rejected in every pool. Its memberships end in pages, because one agent can be
 * in many: `more` says that something is left, and saying the ban again goes on with it.
 */
function banEverywhere(
  world: World,
  agent: string,
  reason: string | undefined,
  { now, shard }: Context,
): DecidedForShard | Rejected {
  const known = world.bans.get(agent);
  const pools = poolsWith(world, agent);
  if (known !== undefined && pools.length === 0) {
    return rejected('already_banned', `${agent} is already banned from shard ${shard}`);
  }
  if (known === undefined && world.bans.size >= MAX_BANS) {
    const met = { quota: 'bans', limit: MAX_BANS, used: world.bans.size };
    return rateLimited(
      `shard ${shard} has banned ${world.bans.size} agents, the most that a shard may ban`,
      met,
    );
  }
  world.changeBan(agent, known ?? { agent, at: now, reason });
  const events: AppliedEvent[] = [];
  let ended = 0;
  for (const pool of pools.slice(0, MAX_BANNED_AT_ONCE)) {
    const state = world.pool(pool);
    if (state === undefined) continue;
    for (const event of shutOut(state, agent, now, reason)) events.push(world.apply(pool, event, now));
    ended++;
    if (events.length >= MAX_BANNED_AT_ONCE) break;
  }
  const released = events.filter(({ event }) => event.type === 'task.released').length;
  const left = pools.length - ended;
  if (known === undefined) pushAll(events, told(world, 'agent.banned', agent, reason, now));
  return { events, data: { released, pools: ended, more: left > 0 } };
}

function unbanEverywhere(world: World, agent: string, { now, shard }: Context): DecidedForShard | Rejected {
  if (!world.bans.has(agent)) return rejected('not_banned', `${agent} is not banned from shard ${shard}`);
  world.changeBan(agent, undefined);
  return { events: told(world, 'agent.unbanned', agent, undefined, now), data: {} };
}

/** Where the agent is a member or holds a claim. By name: the order of a map must not decide what comes first. */
function poolsWith(world: World, agent: string): string[] {
  const found: string[] = [];
  for (const [name, state] of world.pools) {
    if (state.members.has(agent) || state.heldCount(agent) > 0) found.push(name);
  }
  return found.sort();
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
