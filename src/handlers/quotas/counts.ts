/** Guards of quotas on what there is at one moment: what one agent, and all together, have in a pool. */
import type { EntityKind } from '../../protocol/entities.ts';
import { MAX_CLAIMS_PER_AGENT, MAX_POOL_CLAIMS } from '../../protocol/limits.ts';
import type { CountQuota } from '../../protocol/quotas.ts';
import { type Rejected, rateLimited } from '../kernel/decided.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { World } from '../world/world.ts';

type Counted = Exclude<CountQuota, 'agentBytes' | 'poolBytes'>;

/** The system's quota, or the pool's own where that is smaller. */
export function quotaOf({ settings }: World, { doc }: PoolState, name: Counted): number {
  const own = doc.quotas?.[name];
  return own === undefined ? settings[name] : Math.min(own, settings[name]);
}

const OPEN = {
  auction: { ofAgent: 'agentAuctions', ofPool: 'poolAuctions', what: 'open auctions' },
  vote: { ofAgent: 'agentVotes', ofPool: 'poolVotes', what: 'open votes' },
  negotiation: { ofAgent: 'agentSessions', ofPool: 'poolSessions', what: 'open sessions' },
} as const satisfies Partial<Record<EntityKind, object>>;

/** One more of a kind would be too many. */
export function tooManyOpen(
  world: World,
  state: PoolState,
  kind: keyof typeof OPEN,
  agent: string,
): Rejected | undefined {
  const { ofAgent, ofPool, what } = OPEN[kind];
  const open = state.usage.open[kind];
  return (
    full(open.of(agent), quotaOf(world, state, ofAgent), ofAgent, `${agent} has`, what, state) ??
    full(open.total, quotaOf(world, state, ofPool), ofPool, 'all agents together have', what, state)
  );
}

/** How many more claims the quotas of an agent and of the pool leave; those that are over by now still count. */
export function claimsInQuota(world: World, state: PoolState, agent: string): number {
  const ofAgent = quotaOf(world, state, 'agentClaims');
  const ofPool = quotaOf(world, state, 'poolClaims');
  // The bound that holds for everyone is the claim limit's to say, which does not count claims that are over.
  const left = ofAgent < MAX_CLAIMS_PER_AGENT ? ofAgent - state.heldCount(agent) : MAX_CLAIMS_PER_AGENT;
  return ofPool < MAX_POOL_CLAIMS ? Math.min(left, ofPool - state.claims) : left;
}

/** The quota of the agent, where that leaves nothing; else that of the pool. */
export function tooManyClaims(world: World, state: PoolState, agent: string): Rejected {
  const { pool } = state.doc;
  const limit = quotaOf(world, state, 'agentClaims');
  const used = state.heldCount(agent);
  if (limit < MAX_CLAIMS_PER_AGENT && used >= limit) {
    const met = { quota: 'agentClaims', limit, used };
    return rateLimited(`${agent} holds ${used} claims in pool ${pool}; the quota is ${limit}`, met);
  }
  const ofAll = { quota: 'poolClaims', limit: quotaOf(world, state, 'poolClaims'), used: state.claims };
  return rateLimited(
    `all agents together hold ${ofAll.used} claims in pool ${pool}; the quota is ${ofAll.limit}`,
    ofAll,
  );
}

function full(
  used: number,
  limit: number,
  quota: Counted,
  who: string,
  what: string,
  { doc }: PoolState,
): Rejected | undefined {
  if (used < limit) return undefined;
  const met = { quota, limit, used };
  return rateLimited(`${who} ${used} ${what} in pool ${doc.pool}; the quota is ${limit}`, met);
}
