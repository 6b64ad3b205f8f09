/** `CONVERGE_WORKER_ID` given twice: a mistake in a deployment, which must not make two owners of one shard. */
import { expect, it } from 'vitest';
import { parseLease } from '../../src/state/lease.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem();
const ALL = [0, 1, 2, 3];

it('two workers of one name share the shards like any others, and one takes over from the other', async () => {
  const space = system.space({ shards: ALL.length, workerId: 'twin' });
  const [first, second] = [await space.worker(), await space.worker()];
  const held = (): number[] => [...first.shards, ...second.shards].sort((a, b) => a - b);
  await until('each to have its share', () => first.shards.length === 2 && second.shards.length === 2);
  expect(held()).toEqual(ALL);

  const ann = await space.agent('ann');
  const creates = async (name: string): Promise<void> => {
    for (const shard of ALL) {
      const pool = space.poolOn(shard, name);
      expect(await ann.decide(pool, { type: 'CreatePool' })).toMatchObject({ status: 'accepted', shard });
    }
  };
  await creates('before');
  await first.stop();
  await until('the other to have all of them', () => second.shards.length === ALL.length);
  await creates('after');
  const owners = await Promise.all(ALL.map((shard) => system.redis.get(`${space.ns}:{${shard}}:r:lease`)));
  const processes = owners.map((lease) => parseLease(lease ?? '', 0).holder);
  expect(new Set(processes).size).toBe(1);
  expect(owners[0]).toMatch(/^twin#/);
});
