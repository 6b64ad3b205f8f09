/** Auctions through the whole path: log, worker, store, results, events, queries, sweeps, and the log read again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConvergeClient } from '../../src/client/core/client.ts';
import { acceptedOrThrow } from '../../src/client/core/outcomes.ts';
import { stateDigest } from '../../src/state/digest.ts';
import { connectForReads, openRedis } from '../../src/state/redis.ts';
import { type Config, parseConfig } from '../../src/workers/config.ts';
import { type RunningWorker, startWorker } from '../../src/workers/process/worker.ts';
import { rebuild } from '../../src/workers/snapshots/rebuild.ts';
import { OwnSystem } from '../../verify/kit/system/own-system.ts';

const WITHIN_MS = 15_000;
const SECRET = '31.4159';

let system: OwnSystem;
let config: Config;
let worker: RunningWorker;
let ann: ConvergeClient;

beforeAll(async () => {
  system = await OwnSystem.start({ name: 'auctions-test', env: process.env });
  const { nats, redis } = system.servers;
  config = parseConfig({
    natsUrl: nats.url,
    redisUrl: redis.url,
    shards: 2,
    sweepEveryMs: 100,
    logLevel: 'warn',
    httpPort: -1,
  });
  worker = await startWorker(config);
  ann = await ConvergeClient.connect({ agent: 'ann', url: nats.url });
  await ann.decide('work', { type: 'CreatePool' });
  for (const agent of ['bob', 'cyd']) await ann.withAgent(agent).decide('work', { type: 'JoinPool' });
});

afterAll(async () => {
  await ann?.close();
  await worker?.stop();
  await system?.stop();
});

async function until<T>(look: () => Promise<T>, wanted: (seen: T) => boolean): Promise<T> {
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const seen = await look();
    if (wanted(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function pendingFor(agent: string): Promise<string[]> {
  const { items } = await ann.query('pending-tasks', { agent, pools: ['work'] });
  return items.map(({ taskId }) => taskId);
}

describe('a sealed auction of a task on the real system', () => {
  it('hides the task and the bids, hands the claim over when it closes, and on to the next when it expires', async () => {
    const task = { taskId: 't', objective: 'o', constraints: { claimTtlMs: 3_000 } };
    acceptedOrThrow(await ann.decide('work', { type: 'SubmitTask', ...task }));
    expect(await pendingFor('bob')).toEqual(['t']);
    const closesAt = Date.now() + 4_000;
    const terms = { kind: 'second_price_sealed', closesAt, taskId: 't', reserve: '1.5' } as const;
    acceptedOrThrow(await ann.decide('work', { type: 'OpenAuction', auctionId: 'a', ...terms }));
    expect(await pendingFor('bob')).toEqual([]);

    const bid = { type: 'SubmitBid', auctionId: 'a' } as const;
    const outcomes = [
      await ann.withAgent('bob').decide('work', { ...bid, amount: SECRET, content: { plan: 'whispered' } }),
      await ann.withAgent('cyd').decide('work', { ...bid, amount: 7 }),
    ];
    const sealed = await ann.query('auction', { pool: 'work', auctionId: 'a' });
    expect(sealed).toMatchObject({
      state: 'open',
      bidCount: 2,
      bids: [{ bidder: 'bob' }, { bidder: 'cyd' }],
    });
    expect(JSON.stringify([sealed, outcomes])).not.toMatch(/31\.4159|whispered|1\.5"/);

    const first = await until(
      () => ann.query('task', { pool: 'work', taskId: 't' }),
      ({ state }) => state === 'assigned',
    );
    expect(first).toMatchObject({ claim: { agent: 'bob', epoch: 1 }, auction: 'a' });
    expect(await ann.query('auction', { pool: 'work', auctionId: 'a' })).toMatchObject({
      state: 'awarded',
      winner: 'bob',
      price: '7',
      bids: [{ amount: SECRET, content: { plan: 'whispered' } }, { amount: '7' }],
    });

    const second = await until(
      () => ann.query('task', { pool: 'work', taskId: 't' }),
      ({ epoch }) => epoch === 2,
    );
    expect(second).toMatchObject({ state: 'assigned', claim: { agent: 'cyd', epoch: 2 } });
    const report = { type: 'ReportTask', taskId: 't', result: 'done' } as const;
    acceptedOrThrow(await ann.withAgent('cyd').decide('work', report));
    const { items } = await ann.query('auctions', { pool: 'work', state: 'awarded' });
    expect(items).toMatchObject([
      { auctionId: 'a', winner: 'cyd', price: '1.5', finishedAt: expect.any(Number) },
    ]);
    expect(items[0]).not.toHaveProperty('bids');
  });

  it('events tell no bid before the close', async () => {
    const feed = ann.events({ start: 'all' });
    const told: string[] = [];
    for await (const event of feed) {
      if (event.type === 'converge.auction.awarded') break;
      if (event.type.startsWith('converge.auction.')) told.push(JSON.stringify(event));
    }
    feed.close();
    expect(told).toHaveLength(3);
    expect(told.join('\n')).not.toMatch(/31\.4159|whispered|1\.5"/);
  });

  it('the log read again into an empty store gives the same state, key for key', async () => {
    acceptedOrThrow(await ann.decide('work', { type: 'SubmitTask', taskId: 'u', objective: 'o' }));
    const terms = { kind: 'english', closesAt: Date.now() + 60_000, taskId: 'u', proxy: true } as const;
    acceptedOrThrow(await ann.decide('work', { type: 'OpenAuction', auctionId: 'b', ...terms }));
    const bid = { type: 'SubmitBid', auctionId: 'b', amount: 5 } as const;
    acceptedOrThrow(await ann.withAgent('bob').decide('work', bid));
    await worker.stop();
    const redis = await openRedis(connectForReads(config.redisUrl));
    const before = await stateDigest(redis, config.namespace, config.shards);
    const { digest } = await rebuild(config, { force: true });
    redis.disconnect();
    expect(digest).toBe(before);
  });
});
