import { defined } from '../../protocol/defined.ts';
import { accepted, type Rejected, rateLimited, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import type { World } from '../world/world.ts';

export const createPool: Handler<'CreatePool'> = {
  decide(world, decision, { pool, self, agent, decisionId }) {
    if (world.pool(pool) !== undefined) return rejected('pool_exists', `pool ${pool} already exists`);
    const full = tooManyPools(world, self);
    if (full !== undefined) return full;
    const { capacity, maxClaimsPerAgent, startWithinMs, maxUnstarted, operators, quotas } = decision;
    const created = {
      type: 'pool.created',
      id: pool,
      data: {
        owner: self,
        topics: decision.topics ?? [],
        admission: decision.admission ?? { kind: 'open' },
        ...defined({ capacity }),
        submitters: decision.submitters ?? 'anyone',
        defaults: decision.defaults ?? {},
        ...defined({ maxClaimsPerAgent, startWithinMs, maxUnstarted, operators, quotas }),
        origin: { agent, decisionId },
      },
    } as const;
    return accepted([created], { pool });
  },
};

/** Pools that are closed count until they are removed: they are kept until then. */
function tooManyPools({ pools, settings, usage }: World, owner: string): Rejected | undefined {
  const owned = usage.pools.of(owner);
  if (owned >= settings.agentPools) {
    const met = { quota: 'agentPools', limit: settings.agentPools, used: owned };
    return rateLimited(`${owner} owns ${owned} pools in this shard; the quota is ${met.limit}`, met);
  }
  if (pools.size < settings.maxPoolsPerShard) return undefined;
  const met = { quota: 'maxPoolsPerShard', limit: settings.maxPoolsPerShard, used: pools.size };
  return rateLimited(`the shard holds ${pools.size} pools, the most that it may hold`, met);
}
