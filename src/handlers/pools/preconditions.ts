/**
 * The checks of a decision before its handler, in this order: the rate of its author, access to the pool, the ban of the pool, the rate
 * of the pool. The last two are a pool's own, and so for those alone who may know of it.
 */
import type { Decision, SingleDecision } from '../../protocol/decisions/index.ts';
import { type Rejected, rejected } from '../kernel/decided.ts';
import type { Context } from '../kernel/handler.ts';
import { overRate, overRateOfPool } from '../quotas/rates.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { World } from '../world/world.ts';
import { deniedAccess, poolKnownTo } from './access.ts';

type Place = Pick<Context, 'pool' | 'agent' | 'now'>;

/** Nothing is accepted of who is banned, be it decided by another one in its name. */
export function banned({ pool }: Place, agent: string): Rejected {
  return rejected('agent_banned', `${agent} is banned from pool ${pool}`);
}

/** By rates that concern the whole message; by those of the pool only if its author may know of it, and is not banned. */
export function limitedAtOnce(
  world: World,
  decision: Decision | undefined,
  place: Place,
): Rejected | undefined {
  const known = poolKnownTo(world, place);
  return overRate(world, decision, place, known?.isBanned(place.agent) === true ? undefined : known);
}

/** The whole message: by the rate of its author; where that one may know of the pool also by its ban, or by its rate. */
export function refusedAtOnce(world: World, decision: Decision, place: Place): Rejected | undefined {
  const isBanned = poolKnownTo(world, place)?.isBanned(place.agent) === true;
  return limitedAtOnce(world, decision, place) ?? (isBanned ? banned(place, place.agent) : undefined);
}

/**
 * One decision, or one member of a Batch, before its handler. `known` is the pool, if its rate was charged for the
 * whole message already. Who is a stranger, and is let in for this decision only, be it to join, is charged here.
 */
export function refusedBeforeHandler(
  world: World,
  decision: SingleDecision,
  place: Place,
  known: PoolState | undefined,
): Rejected | undefined {
  const stopped = deniedAccess(world, decision, place);
  if (stopped !== undefined) return stopped;
  const state = world.pool(place.pool);
  const isMaking = decision.type === 'CreatePool' && known === undefined;
  if (state === undefined || isMaking) return undefined;
  if (state.isBanned(place.agent)) return banned(place, place.agent);
  return known === undefined ? overRateOfPool(world, decision, place, state) : undefined;
}
