import { expect, it, vi } from 'vitest';
import { acceptedOrThrow, isAccepted, PoolManager, TaskManager } from '../../src/client/index.ts';
import { fresh, useSystem } from './system.ts';

// The scheduled sweeper leaves the work to whoever asks.
const system = useSystem({ sweepEveryMs: 60_000, sweepOverdueMs: 60_000 });

it('expired claims of every pool are released and named, by log time and no sooner', async () => {
  const client = await system.client('ops');
  const pools = new PoolManager(client);
  const tasks = new TaskManager(client);
  const places = Array.from({ length: 6 }, () => fresh('pool'));
  for (const pool of places) {
    acceptedOrThrow(await pools.createPool(pool));
    acceptedOrThrow(await pools.joinPool(pool));
    await tasks.submit({ taskId: 't', objective: 'o' }, { pool });
    await tasks.submit({ taskId: 'kept', objective: 'o' }, { pool });
    acceptedOrThrow(await tasks.claim('t', { pool, claimTtlMs: 1 }));
    acceptedOrThrow(await tasks.claim('kept', { pool }));
  }
  const long = Date.now() + 1_000_000_000;
  const released = await tasks.releaseExpiredClaims(long);
  expect([...released].sort((a, b) => (a.pool < b.pool ? -1 : 1))).toEqual(
    places.map((pool) => ({ pool, taskId: 't', agent: 'ops', epoch: 1 })),
  );
  expect(await tasks.getTask('t', { pool: places[0] })).toMatchObject({ state: 'pending', expiries: 1 });
  expect(await tasks.getTask('kept', { pool: places[0] })).toMatchObject({ state: 'assigned' });
  expect(await tasks.releaseExpiredClaims()).toEqual([]);
});

it('what fell due after the given time is left for later', async () => {
  const client = await system.client('ops');
  const pools = new PoolManager(client);
  const tasks = new TaskManager(client);
  const pool = fresh('pool');
  await pools.createPool(pool);
  await pools.joinPool(pool);
  await tasks.submit({ taskId: 't', objective: 'o' }, { pool });
  const { data } = acceptedOrThrow(await tasks.claim('t', { pool, claimTtlMs: 1 }));
  expect(await tasks.releaseExpiredClaims(data.claim.expiresAt - 1)).toEqual([]);
  await vi.waitFor(async () =>
    expect(await tasks.releaseExpiredClaims(data.claim.expiresAt)).toMatchObject([{ pool, taskId: 't' }]),
  );
});

it('more than one Sweep settles is settled by several', async () => {
  const client = await system.client('ops');
  const pools = new PoolManager(client);
  const tasks = new TaskManager(client);
  const pool = fresh('pool');
  await pools.createPool(pool);
  await pools.joinPool(pool);
  await tasks.submitAll(
    Array.from({ length: 600 }, () => ({ objective: 'o' })),
    { pool },
  );
  // At one moment of log time, so that all of them are due at once.
  const claimNext = { type: 'ClaimNextTask', limit: 100, claimTtlMs: 1 } as const;
  const decisions = Array.from({ length: 6 }, () => claimNext);
  acceptedOrThrow(await client.decide(pool, { type: 'Batch', decisions }));
  const released = await tasks.releaseExpiredClaims();
  expect(new Set(released.map(({ taskId }) => taskId)).size).toBe(600);
});

it('one shard can be swept by itself', async () => {
  const client = await system.client('ops');
  const outcome = await client.sweep(0, { limit: 10 });
  expect(outcome).toMatchObject({ type: 'Sweep', agent: '_operator', pool: '_shard', shard: 0 });
  if (isAccepted(outcome)) expect(outcome.data.more).toBe(false);
});
