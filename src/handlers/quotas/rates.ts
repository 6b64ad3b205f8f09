/** Decisions per second: of each agent over the shard, of each pool, and of each agent in a pool that limits its own. */
import { type Decision, isOperatorType } from '../../protocol/decisions/index.ts';
import { UNLIMITED_RATE } from '../../protocol/limits.ts';
import { isReserved } from '../../protocol/names.ts';
import type { PoolQuotas } from '../../protocol/quotas.ts';
import type { Settings } from '../../protocol/settings.ts';
import { type Rejected, rateLimited } from '../kernel/decided.ts';
import type { Context } from '../kernel/handler.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { World } from '../world/world.ts';
import type { Rate } from './buckets.ts';

type Place = Pick<Context, 'pool' | 'agent' | 'now'>;

interface Charge {
  readonly key: string;
  readonly rate: Rate;
  readonly whose: string;
  readonly isOfAgent: boolean;
}

/**
 * Takes a decision, or the members of a Batch, from every bucket that they concern; from none, if one has not enough.
 * `known` is the pool, if the agent may know of it: strangers neither fill the buckets of a pool nor see them.
 */
export function overRate(
  world: World,
  decision: Decision | undefined,
  { pool, agent, now }: Place,
  known: PoolState | undefined,
): Rejected | undefined {
  const own = known?.doc.quotas;
  if (own === undefined && !limitsRates(world.settings)) return undefined;
  if (isReserved(agent) || isOperators(decision, known, agent)) return undefined;
  const count = decision?.type === 'Batch' ? decision.decisions.length : 1;
  const ofPool = known === undefined ? [] : chargesOfPool(world.settings, own, pool, agent);
  return charge(world, [...chargesOfAgent(world.settings, agent), ...ofPool], count, now);
}

/** The same of a pool alone, for one decision whose author's own rate has been looked at. */
export function overRateOfPool(
  world: World,
  decision: Decision,
  { pool, agent, now }: Place,
  state: PoolState,
): Rejected | undefined {
  if (isReserved(agent) || isOperators(decision, state, agent)) return undefined;
  return charge(world, chargesOfPool(world.settings, state.doc.quotas, pool, agent), 1, now);
}

function charge(
  { buckets }: World,
  charges: readonly Charge[],
  count: number,
  now: number,
): Rejected | undefined {
  for (const { key, rate, whose, isOfAgent } of charges) {
    const waitMs = buckets.waitMs(key, rate, count, now);
    if (waitMs <= 0) continue;
    const quota = isOfAgent ? 'agentDecisionsPerS' : 'poolDecisionsPerS';
    const met = { quota, limit: rate.perS, used: buckets.used(key, rate, now) };
    return rateLimited(`${whose} has more than ${rate.perS} decisions a second`, met, waitMs);
  }
  for (const { key, rate } of charges) buckets.take(key, rate, count, now);
  return undefined;
}

/** How much of its rate an agent has used: `near` is more than half of the burst, `over` is that it would be refused. */
export type RateStanding = 'within' | 'near' | 'over';

/** How the agent stands at this moment. Asked ahead of the log, so only a hint: nothing is taken. */
export function rateStanding(
  { settings, buckets }: World,
  { pool, agent, now }: Place,
  known: PoolState | undefined,
): RateStanding {
  if (buckets.size === 0) return 'within';
  const ofPool = known === undefined ? [] : chargesOfPool(settings, known.doc.quotas, pool, agent);
  const charges = [...chargesOfAgent(settings, agent), ...ofPool];
  if (charges.some(({ key, rate }) => buckets.waitMs(key, rate, 1, now) > 0)) return 'over';
  // A pool that is busy as a whole says nothing against the one who decides.
  const isNear = charges.some(
    ({ key, rate, isOfAgent }) => isOfAgent && buckets.waitMs(key, rate, Math.ceil(rate.burst / 2), now) > 0,
  );
  return isNear ? 'near' : 'within';
}

function limitsRates({ agentDecisionsPerS, poolDecisionsPerS }: Settings): boolean {
  return agentDecisionsPerS < UNLIMITED_RATE || poolDecisionsPerS < UNLIMITED_RATE;
}

/** Operators must be able to act just when a pool is flooded. */
function isOperators(decision: Decision | undefined, state: PoolState | undefined, agent: string): boolean {
  if (decision === undefined || state === undefined || !isOperatorType(decision.type)) return false;
  return state.doc.owner === agent || state.doc.operators?.includes(agent) === true;
}

function chargesOfAgent(settings: Settings, agent: string): readonly Charge[] {
  const rate = rateOf(settings.agentDecisionsPerS, settings.agentDecisionsBurst);
  return rate === undefined ? [] : [{ key: `agent/${agent}`, rate, whose: agent, isOfAgent: true }];
}

function chargesOfPool(
  settings: Settings,
  own: PoolQuotas | undefined,
  pool: string,
  agent: string,
): readonly Charge[] {
  const charges: Charge[] = [];
  const ofMember = rateOf(own?.agentDecisionsPerS, own?.agentDecisionsBurst);
  if (ofMember !== undefined) {
    const whose = `${agent} in pool ${pool}`;
    charges.push({ key: `agent/${agent}/${pool}`, rate: ofMember, whose, isOfAgent: true });
  }
  const ofPool = rateOf(
    smaller(settings.poolDecisionsPerS, own?.poolDecisionsPerS),
    smaller(settings.poolDecisionsBurst, own?.poolDecisionsBurst),
  );
  if (ofPool !== undefined) {
    charges.push({ key: `pool/${pool}`, rate: ofPool, whose: `pool ${pool}`, isOfAgent: false });
  }
  return charges;
}

function rateOf(perS: number | undefined, burst: number | undefined): Rate | undefined {
  return perS === undefined || perS >= UNLIMITED_RATE ? undefined : { perS, burst: burst ?? perS };
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}
