/** Leases need no clock (rule 3.7): what happens to them when Redis' clock is wrong, on a schedule of its own. */
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { LeaseHolder } from '../../src/workers/process/leases.ts';
import type { Clock } from '../../src/workers/shard/ports.ts';
import { MemoryLeases, memoryLeaseStore } from '../../verify/sim/memory/leases.ts';
import { DIRECT_LINK } from '../../verify/sim/memory/link.ts';
import { Scheduler } from '../../verify/sim/scheduler.ts';

const SHARDS = 6;
const LEASE_MS = 3_000;
const HOUR_MS = 3_600_000;

class System {
  readonly scheduler = new Scheduler();
  redisSkewMs = 0;
  readonly leases = new MemoryLeases(() => this.scheduler.now + this.redisSkewMs);
  readonly gained: string[] = [];
  /** Whose heartbeats report progress. */
  readonly working = new Set<string>();

  worker(name: string): { readonly holder: LeaseHolder; kill(): void } {
    let isDead = false;
    const { scheduler } = this;
    const clock: Clock = {
      now: () => 0,
      monotonic: () => scheduler.now,
      sleep: (ms) =>
        new Promise((resolve) => {
          scheduler.after(ms, () => {
            if (isDead) return;
            resolve();
            scheduler.settled();
          });
        }),
    };
    const holder: LeaseHolder = new LeaseHolder({
      store: memoryLeaseStore(
        DIRECT_LINK,
        this.leases,
        name,
        LEASE_MS,
        () => 0,
        () => ({
          works: this.working.has(name),
          leaves: holder.left,
        }),
      ),
      ...{ holder: name, shards: SHARDS, leaseMs: LEASE_MS, clock, random: () => 0 },
      logger: pino({ level: 'silent' }),
      onAcquired: (shard) => this.gained.push(`${name} ${shard}`),
      onReleased: async () => undefined,
    });
    scheduler.after(0, () => {
      void holder.start();
      scheduler.settled();
    });
    return {
      holder,
      kill: () => {
        isDead = true;
      },
    };
  }

  async pass(ms: number): Promise<void> {
    await this.scheduler.run(() => false, ms);
  }

  async started(...names: string[]) {
    const workers = names.map((name) => this.worker(name));
    await this.pass(10 * LEASE_MS);
    expect(workers.map(({ holder }) => holder.held.length)).toEqual(names.map(() => SHARDS / names.length));
    return workers;
  }
}

it.each([
  ['an hour ahead', HOUR_MS],
  ['an hour back', -HOUR_MS],
  ['right', 0],
])(
  'a worker that dies while the clock of Redis is %s is replaced within two and a half leases',
  async (_, skewMs) => {
    const system = new System();
    const [first, second, third] = await system.started('a', 'b', 'c');
    system.redisSkewMs = skewMs;
    await system.pass(LEASE_MS);
    first?.kill();
    system.redisSkewMs = 0;
    await system.pass(2.5 * LEASE_MS);
    expect(second?.holder.held).toHaveLength(SHARDS / 2);
    expect(third?.holder.held).toHaveLength(SHARDS / 2);
    expect(second?.holder.live).toEqual(['b', 'c']);
  },
);

it('where clocks are right, what a dead worker held is taken within a lease and a half', async () => {
  const system = new System();
  const [first, second] = await system.started('a', 'b');
  first?.kill();
  await system.pass(1.5 * LEASE_MS);
  expect(second?.holder.held).toHaveLength(SHARDS);
});

it.each([HOUR_MS, -HOUR_MS])(
  'a clock of Redis that steps by %s ms takes nothing from workers that live',
  async (skewMs) => {
    const system = new System();
    await system.started('a', 'b', 'c');
    const before = system.gained.length;
    system.redisSkewMs = skewMs;
    await system.pass(5 * LEASE_MS);
    system.redisSkewMs = 0;
    await system.pass(5 * LEASE_MS);
    expect(system.gained.slice(before)).toEqual([]);
  },
);

it('a worker that starts where others died long ago takes everything at once', async () => {
  const system = new System();
  const [first, second] = await system.started('a', 'b');
  first?.kill();
  second?.kill();
  await system.pass(10 * LEASE_MS);
  const third = system.worker('c');
  await system.pass(10);
  expect(third.holder.held).toHaveLength(SHARDS);
  await system.pass(30 * LEASE_MS);
  expect([...system.leases.heartbeat('c', 'x').keys()]).toEqual(['c']);
});

it('a lease that says that it lasts longer is left alone for so long', async () => {
  const system = new System();
  system.leases.acquire(3, 'patient', 20 * LEASE_MS, undefined);
  const worker = system.worker('a');
  await system.pass(15 * LEASE_MS);
  expect(worker.holder.held).toEqual([0, 1, 2, 4, 5]);
  await system.pass(20 * LEASE_MS);
  expect(worker.holder.held).toHaveLength(SHARDS);
});

it('7.1 a shard that one worker gives back is taken by another, beyond its share, and shared again after 30 s', async () => {
  const system = new System();
  const [first, second, third] = await system.started('a', 'b', 'c');
  const [shard = -1] = first?.holder.held ?? [];
  await first?.holder.refuse(shard, 30_000);
  await system.pass(2 * LEASE_MS);
  expect([...(second?.holder.held ?? []), ...(third?.holder.held ?? [])]).toContain(shard);
  expect(first?.holder.held).toHaveLength(SHARDS / 3 - 1);
  await system.pass(20_000);
  expect(first?.holder.held).not.toContain(shard);
  await system.pass(20_000);
  for (const worker of [first, second, third]) expect(worker?.holder.held).toHaveLength(SHARDS / 3);
});

it('7.1 only the heartbeat of another worker that lives says that others make progress', async () => {
  const system = new System();
  const [first, second] = await system.started('a', 'b');
  system.working.add('a');
  await system.pass(LEASE_MS);
  expect([first?.holder.othersWork, second?.holder.othersWork]).toEqual([false, true]);
  first?.kill();
  await system.pass(2 * LEASE_MS);
  expect(second?.holder.othersWork).toBe(false);
});
