import { accepted, rateLimited, rejected } from '../decided.ts';
import type { Handler } from '../handler.ts';

export const createPool: Handler<'CreatePool'> = {
  type: 'CreatePool',
  decide(world, decision, { pool, self, agent, decisionId }) {
    if (world.pool(pool) !== undefined) return rejected('pool_exists', `pool ${pool} exists already`);
    if (world.pools.size >= world.settings.maxPoolsPerShard) {
      return rateLimited(`the shard holds ${world.pools.size} pools, as many as it may`);
    }
    const { capacity, maxClaimsPerAgent, operators, quotas } = decision;
    const created = {
      type: 'pool.created',
      id: pool,
      data: {
        owner: self,
        topics: decision.topics ?? [],
        admission: decision.admission ?? { kind: 'open' },
        ...(capacity === undefined ? {} : { capacity }),
        submitters: decision.submitters ?? 'anyone',
        defaults: decision.defaults ?? {},
        ...(maxClaimsPerAgent === undefined ? {} : { maxClaimsPerAgent }),
        ...(operators === undefined ? {} : { operators }),
        ...(quotas === undefined ? {} : { quotas }),
        origin: { agent, decisionId },
      },
    } as const;
    return accepted([created], { pool });
  },
};
