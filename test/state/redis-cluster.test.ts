/** Redis Cluster refuses a command whose keys lie in several slots, also with a single node. */
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import type { RawAgent } from '../support/raw-agent.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ redis: { extraArgs: ['--cluster-enabled', 'yes'] } });

it('the whole system runs on a Redis in cluster mode', async () => {
  const admin = new Redis(system.servers.redis.url);
  system.onEndOfTest(async () => admin.disconnect());
  await admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await until('the cluster to be up', async () =>
    String(await admin.call('CLUSTER', 'INFO')).includes('state:ok'),
  );
  const space = system.space({ shards: 3 });
  await space.worker();
  const agent: RawAgent = await space.agent('ann');
  for (const pool of [0, 1, 2].map((shard) => space.poolOn(shard))) {
    expect((await agent.decide(pool, { type: 'CreatePool' })).status).toBe('accepted');
    expect((await agent.decide(pool, { type: 'JoinPool' })).status).toBe('accepted');
    await agent.decide(pool, {
      type: 'SubmitTask',
      taskId: 't',
      objective: 'o',
      constraints: { claimTtlMs: 50 },
    });
    await agent.decide(pool, { type: 'ClaimTask', taskId: 't' });
    await until('the sweeper to release the claim', async () => {
      const { ok } = await agent.query('task', { pool, taskId: 't' });
      return ok?.state === 'pending';
    });
  }
  expect((await agent.query('pools-of-agent', { agent: 'ann' })).ok.pools).toHaveLength(4);
  expect((await agent.query('stats')).ok.shards).toHaveLength(3);
});
