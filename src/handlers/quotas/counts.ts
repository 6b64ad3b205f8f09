/** Guards of quotas on what there is at one moment: what one agent, and all together, have in a pool. */
import type { EntityKind } from '../../protocol/entities.ts';
import { MAX_CLAIMS_PER_AGENT, MAX_POOL_CLAIMS, MAX_QUOTA_BYTES } from '../../protocol/limits.ts';
import type { CountQuota } from '../../protocol/quotas.ts';
import { type Rejected, rateLimited } from '../decided.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { World } from '../world/world.ts';

/** The system's quota, or the pool's own where that is smaller. */
export function quotaOf({ settings }: World, { doc }: PoolState, name: CountQuota): number {
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
    full(open.of(agent), quotaOf(world, state, ofAgent), `${agent} has`, what, state) ??
    full(open.total, quotaOf(world, state, ofPool), 'all together have', what, state)
  );
}

/** How many more claims the quotas of an agent and of the pool leave; those that are over by now still count. */
export function claimsInQuota(world: World, state: PoolState, agent: string): number {
  const ofAgent = quotaOf(world, state, 'agentClaims');
  const ofPool = quotaOf(world, state, 'poolClaims');
  // The bound that holds for everybody is the claim limit's to say, which does not count claims that are over.
  const left = ofAgent < MAX_CLAIMS_PER_AGENT ? ofAgent - state.heldCount(agent) : MAX_CLAIMS_PER_AGENT;
  return ofPool < MAX_POOL_CLAIMS ? Math.min(left, ofPool - state.claims) : left;
}

export function tooManyClaims({ doc }: PoolState, agent: string): Rejected {
  return rateLimited(
    `${agent}, or all together, hold as many claims in pool ${doc.pool} as the quota allows`,
  );
}

/** So many bytes more of an agent would be too many. `bytes` is asked for only where there is a limit. */
export function tooManyBytes(
  world: World,
  state: PoolState,
  agent: string,
  bytes: () => number,
): Rejected | undefined {
  if (!state.usage.countsBytes) return undefined;
  const more = bytes() - 1;
  const { bytes: used } = state.usage;
  return (
    full(used.of(agent) + more, quotaOf(world, state, 'agentBytes'), `${agent} would have`, 'bytes', state) ??
    full(used.total + more, quotaOf(world, state, 'poolBytes'), 'all together would have', 'bytes', state)
  );
}

export function limitsBytes({ settings }: Pick<World, 'settings'>, { doc }: PoolState): boolean {
  const { agentBytes, poolBytes } = settings;
  if (agentBytes < MAX_QUOTA_BYTES || poolBytes < MAX_QUOTA_BYTES) return true;
  return doc.quotas?.agentBytes !== undefined || doc.quotas?.poolBytes !== undefined;
}

function full(
  used: number,
  quota: number,
  who: string,
  what: string,
  { doc }: PoolState,
): Rejected | undefined {
  if (used < quota) return undefined;
  return rateLimited(`${who} ${used} ${what} in pool ${doc.pool}; the quota is ${quota}`);
}
