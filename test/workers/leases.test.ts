/** Who works on what: fair shares, clean hand-overs, and no shard without an owner for longer than it takes. */
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { LeaseHolder } from '../../src/workers/process/leases.ts';
import type { RunningWorker } from '../../src/workers/process/worker.ts';
import { SYSTEM_CLOCK } from '../../src/workers/shard/ports.ts';
import { MemoryLeases, memoryLeaseStore } from '../../verify/sim/memory/leases.ts';
import { DIRECT_LINK } from '../../verify/sim/memory/link.ts';
import { expectAllApplied, expectEventsComplete, Load } from '../support/load.ts';
import { ownersOf } from '../support/owners.ts';
import { NO_SWEEPS, type Space, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 300_000 });

const system = useSystem();
const SHARDS = 6;

async function everyShardHeldBy(
  space: Space,
  workers: readonly RunningWorker[],
  share: number,
  withinMs = 15_000,
): Promise<void> {
  await until(
    `each of ${workers.length} workers to hold ${share} shards`,
    async () => {
      const held = await ownersOf(system.redis, space.ns, SHARDS);
      return workers.every(({ id, shards }) => {
        const mine = held.flatMap((owner, shard) => (owner === id ? [shard] : []));
        return mine.length === share && mine.join() === shards.join();
      });
    },
    withinMs,
  );
}

it('one worker, then three, then one: the shards are shared evenly, under load, without loss', async () => {
  const space = system.space({ ...NO_SWEEPS, shards: SHARDS });
  const first = await space.worker();
  await everyShardHeldBy(space, [first], 6);
  const agent = await space.agent('ann');
  const pools = [0, 1, 2, 3, 4, 5].map((shard) => space.poolOn(shard));
  for (const pool of pools) {
    await agent.decide(pool, { type: 'CreatePool' });
    await agent.decide(pool, { type: 'JoinPool' });
  }
  const load = new Load(agent, pools);
  await load.more(200);
  const [second, third] = await Promise.all([space.worker(), space.worker()]);
  await load.more(200);
  await everyShardHeldBy(space, [first, second, third], 2);
  await load.more(200);
  await Promise.all([first.stop(), third.stop()]);
  expect(first.shards).toEqual([]);
  await load.more(200);
  await everyShardHeldBy(space, [second], 6);
  await expectAllApplied(space, agent, await load.stop());
  await expectEventsComplete(space);
});

it('a worker that stops gives its shards away: nobody waits for a lease to lapse', async () => {
  const leaseMs = 12_000;
  const space = system.space({ ...NO_SWEEPS, shards: SHARDS, leaseMs });
  const first = await space.worker();
  const second = await space.worker();
  await everyShardHeldBy(space, [first, second], 3, 40_000);
  const stopped = performance.now();
  await first.stop();
  await everyShardHeldBy(space, [second], 6, leaseMs);
  // The other one looks for free shards three times per lease.
  expect(performance.now() - stopped).toBeLessThan(leaseMs * 0.7);
});

it('a lease that somebody else took is let go of, and taken again when it is free', async () => {
  const space = system.space({ ...NO_SWEEPS, shards: SHARDS });
  const worker = await space.worker();
  await everyShardHeldBy(space, [worker], 6);
  await system.redis.set(`${space.ns}:{3}:r:lease`, 'somebody else', 'PX', 2_000);
  await until('the worker to notice', () => worker.shards.join() === '0,1,2,4,5');
  expect(await system.redis.get(`${space.ns}:{3}:r:lease`)).toBe('somebody else');
  await everyShardHeldBy(space, [worker], 6);
  const agent = await space.agent('ann');
  expect((await agent.decide(space.poolOn(3), { type: 'CreatePool' })).status).toBe('accepted');
});

it('shards of a worker that vanished are free when its leases lapse', async () => {
  const space = system.space({ ...NO_SWEEPS, shards: SHARDS });
  const began = performance.now();
  for (let shard = 0; shard < SHARDS; shard++) {
    await system.redis.set(`${space.ns}:{${shard}}:r:lease`, 'vanished', 'PX', 800);
  }
  const worker = await space.worker();
  await until('the worker to hold the first of them', () => worker.shards.length > 0);
  expect(performance.now() - began).toBeGreaterThanOrEqual(790);
  await everyShardHeldBy(space, [worker], 6);
});

it('more workers than shards: some stand by, and take over', async () => {
  const space = system.space({ ...NO_SWEEPS, shards: 1 });
  const workers = [await space.worker(), await space.worker(), await space.worker()];
  const held = (): RunningWorker[] => workers.filter(({ shards }) => shards.length === 1);
  await until('one to hold the shard', () => held().length === 1);
  const agent = await space.agent('ann');
  for (let i = 0; i < 2; i++) {
    const [owner] = held();
    await owner?.stop();
    await until('another one to hold the shard', () => held().length === 1);
    expect((await agent.decide('commons', { type: 'Heartbeat' })).status).toBe('accepted');
  }
});

it('a worker that takes no more keeps what it has, and others take what it does not have', async () => {
  const leaseMs = 3_000;
  const leases = new MemoryLeases(() => performance.now());
  const holder = (name: string): LeaseHolder =>
    new LeaseHolder({
      store: memoryLeaseStore(DIRECT_LINK, leases, name, leaseMs),
      holder: name,
      ...{ shards: SHARDS, leaseMs, clock: SYSTEM_CLOCK, random: () => 0 },
      logger: pino({ level: 'silent' }),
      onAcquired: () => undefined,
      onReleased: async () => undefined,
    });
  const [first, second] = [holder('first'), holder('second')];
  await first.start();
  await second.start();
  await until('each to have its share', () => first.held.length === 3 && second.held.length === 3);
  first.takeNoMore();
  const [lost, ...kept] = first.held;
  await until('the other one to take it', () => {
    if (!second.held.includes(lost ?? Number.NaN)) leases.drop(lost ?? Number.NaN);
    return second.held.includes(lost ?? Number.NaN);
  });
  await until('the first one to notice', () => first.held.join() === kept.join());
  await first.stop();
  await until('all to have an owner', () => second.held.length === SHARDS);
  await second.stop();
});
