/** Workers that die, hang and come back: nothing that the log acknowledged is lost or done twice (I1, I4, I6). */
import { expect, it, vi } from 'vitest';
import { startChildWorker } from '../support/child-worker.ts';
import { firstDifference } from '../support/first-difference.ts';
import { expectAllApplied, expectEventsComplete, Load } from '../support/load.ts';
import { ownersOf } from '../support/owners.ts';
import { NO_SWEEPS, type Space, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 300_000 });

/** A busy machine is slow. */
const FINISHES_WITHIN_MS = 60_000;

const system = useSystem();

function poolsOf(space: Space): string[] {
  return [space.poolOn(0), space.poolOn(1), space.poolOn(0, 'other')];
}

async function createPools(space: Space): Promise<string[]> {
  const agent = await space.agent('ann');
  const pools = poolsOf(space);
  for (const pool of pools) {
    expect((await agent.decide(pool, { type: 'CreatePool' })).status).toBe('accepted');
    expect((await agent.decide(pool, { type: 'JoinPool' })).status).toBe('accepted');
  }
  return pools;
}

it('a worker that is killed in the midst of its work is taken over without loss or repetition', async () => {
  const space = system.space(NO_SWEEPS);
  const first = await startChildWorker(space);
  const agent = await space.agent('ann');
  const load = new Load(agent, await createPools(space));
  await load.more(300);
  first.killNow();
  expect(await first.ended).toBe('was ended by SIGKILL');
  await load.more(100);
  await space.worker();
  await load.more(300);
  await expectAllApplied(space, agent, await load.stop());
  await expectEventsComplete(space);
});

it('workers killed one after the other, each in the midst of its work', async () => {
  const space = system.space(NO_SWEEPS);
  const agent = await space.agent('ann');
  let worker = await startChildWorker(space);
  const load = new Load(agent, await createPools(space));
  for (let i = 0; i < 3; i++) {
    await load.more(150);
    const next = await startChildWorker(space);
    await worker.kill();
    await until('the next one to hold every shard', async () => {
      const owners = await ownersOf(system.redis, space.ns, 2);
      return owners.every((owner) => owner === next.id);
    });
    worker = next;
  }
  await expectAllApplied(space, agent, await load.stop());
  await expectEventsComplete(space);
});

it('a worker that was frozen comes back as a zombie, writes nothing, and works on as one of two', async () => {
  const space = system.space(NO_SWEEPS);
  const frozen = await startChildWorker(space);
  const agent = await space.agent('ann');
  const load = new Load(agent, await createPools(space));
  await load.more(200);
  frozen.pause();
  const other = await space.worker();
  await until('the other one to have taken over', async () => {
    const owners = await ownersOf(system.redis, space.ns, 2);
    return owners.every((owner) => owner === other.id);
  });
  await load.more(200);
  const last = load.sent.at(-1);
  const shard = agent.shardOf(last?.pool ?? '');
  await until('the other one to work', async () => (await space.position(shard)) >= (last?.ack.seq ?? 0));
  frozen.resume();
  await until('both to share the shards', async () => {
    const owners = await ownersOf(system.redis, space.ns, 2);
    return owners.includes(frozen.id) && new Set(owners).size === 2;
  });
  await load.more(200);
  await expectAllApplied(space, agent, await load.stop());
  await expectEventsComplete(space);
});

it('a worker that is asked to end under load finishes, leaves nothing behind, and its process ends by itself', async () => {
  // A machine that is busy can be too slow for a lease of a second; what is left then is the next owner's.
  const space = system.space({ ...NO_SWEEPS, leaseMs: 15_000, shutdownMs: 30_000 });
  const first = await startChildWorker(space, { httpPort: 0 });
  const agent = await space.agent('ann');
  const load = new Load(agent, await createPools(space));
  let asking = true;
  const asker = (async () => {
    while (asking) await agent.query('stats').catch(() => undefined);
  })();
  await load.more(200);
  const ending = first.stop(FINISHES_WITHIN_MS);
  expect(await first.ended, first.logTail()).toBe('ended with exit code 0');
  expect(await ending).toBe(true);
  asking = false;
  await load.more(100);
  expect(await system.redis.keys(`${space.ns}:{?}:r:lease`)).toEqual([]);
  expect(await system.redis.keys(`${space.ns}:{?}:r:outbox`)).toEqual([]);
  expect(await system.redis.zcard(`${space.ns}:{system}:workers`)).toBe(0);
  expect(first.logLines().filter((line) => /"level":[56]0/.test(line))).toEqual([]);
  await space.worker();
  await asker;
  await expectAllApplied(space, agent, await load.stop());
  await expectEventsComplete(space);
});

it('what all of them left behind is what one worker makes of the same log', async () => {
  const space = system.space(NO_SWEEPS);
  const agent = await space.agent('ann');
  const first = await startChildWorker(space, { maxBatch: 3 });
  const load = new Load(agent, await createPools(space));
  await load.more(150);
  const second = await startChildWorker(space, { maxBatch: 256 });
  first.killNow();
  await load.more(150);
  await load.stop();
  await space.applied();
  const ending = [second.stop(FINISHES_WITHIN_MS), second.stop(FINISHES_WITHIN_MS)];
  expect(await second.ended).toBe('ended with exit code 0');
  expect(await Promise.all(ending)).toEqual([true, true]);
  const before = await space.state();
  await system.redis.flushall();
  await space.worker({ maxBatch: 17 });
  await space.applied();
  expect(firstDifference(before, await space.state())).toBeUndefined();
});
