import { describe, expect, it } from 'vitest';
import {
  type Award,
  BiddingProtocol,
  type ContractNet,
  type ConvergeClient,
  PoolManager,
  TaskManager,
  UnavailableError,
} from '../../src/index.ts';
import { fresh, useSystem } from './system.ts';

const system = useSystem();

interface Market {
  readonly pool: string;
  readonly client: ConvergeClient;
  /** Announces a task, and closes its auction when so many have bid, or leaves it to its time. */
  announce(net?: Partial<ContractNet>, bids?: number): ReturnType<BiddingProtocol['contractNet']>;
}

async function market(...bidders: readonly string[]): Promise<Market> {
  const pool = fresh('market');
  const client = await system.client('buyer');
  await new PoolManager(client).createPool(pool);
  for (const bidder of bidders) await new PoolManager(await system.client(bidder)).joinPool(pool);
  const bidding = new BiddingProtocol(client);
  const announce: Market['announce'] = async (net = {}, bids) => {
    const { auctionId = fresh('auction') } = net;
    const bidMs = bids === undefined ? 3_000 : 60_000;
    const result = bidding.contractNet({ task: { objective: 'paint it' }, bidMs, pool, ...net, auctionId });
    if (bids !== undefined) {
      const counted = async () => (await bidding.getAuction(auctionId, { pool }))?.bidCount;
      await expect.poll(counted, { timeout: 60_000 }).toBe(bids);
      await bidding.resolve(auctionId, { pool });
    }
    return await result;
  };
  return { pool, client, announce };
}

/** Bids as soon as an auction opens; with `works` it starts on whatever task it is given. */
async function bidder(pool: string, agent: string, amount: number, works = true): Promise<void> {
  const client = await system.client(agent);
  const bidding = new BiddingProtocol(client);
  const tasks = new TaskManager(client);
  const feed = client.events({ pool });
  await feed.opened;
  void (async () => {
    for await (const { type, subject, data } of feed) {
      if (type === 'converge.auction.opened')
        await bidding.submitBid(subject.slice('auction/'.length), amount, { pool });
      const isMine = type === 'converge.auction.awarded' && data.winner === agent;
      if (isMine && works) await tasks.renew(String(data.taskId), { pool, progress: 0 });
    }
  })().catch(() => undefined);
}

describe('contractNet', () => {
  it('hands the task to whoever asks least, and resolves when it has started', async () => {
    const { pool, client, announce } = await market('ann', 'bob', 'cid');
    await bidder(pool, 'ann', 30);
    await bidder(pool, 'bob', 20);
    await bidder(pool, 'cid', 25);
    const result = await announce({ claimTtlMs: 5_000 }, 3);
    const { taskId, auctionId } = result;
    expect(result).toEqual({
      state: 'started',
      taskId,
      auctionId,
      awarded: { winner: 'bob', price: '20', taskId, auctionId },
      passedOver: [],
    });
    expect(await new TaskManager(client).getTask(taskId, { pool })).toMatchObject({
      state: 'running',
      claim: { agent: 'bob', ttlMs: 5_000 },
    });
  });

  it('falls back to the next bidder when the winner does not start, and tells each award', async () => {
    const { pool, announce } = await market('ann', 'bob', 'cid');
    await bidder(pool, 'ann', 10, false);
    await bidder(pool, 'bob', 20, false);
    await bidder(pool, 'cid', 30);
    const awards: Award[] = [];
    const result = await announce({ claimTtlMs: 1_000, onAwarded: (award) => awards.push(award) }, 3);
    expect(result).toMatchObject({
      state: 'started',
      awarded: { winner: 'cid', price: '30' },
      passedOver: expect.toSatisfy((names: string[]) => names.toSorted().join() === 'ann,bob'),
    });
    expect(awards.map(({ winner }) => winner)).toEqual(['ann', 'bob', 'cid']);
  });

  it('forward: whoever offers most; the terms are those of any auction', async () => {
    const { pool, announce } = await market('ann', 'bob');
    await bidder(pool, 'ann', 30);
    await bidder(pool, 'bob', 20);
    const result = await announce({ direction: 'forward', kind: 'second_price_sealed' }, 2);
    expect(result).toMatchObject({ state: 'started', awarded: { winner: 'ann', price: '20' } });
  });

  it('unsold when nobody bids; the task is cancelled, so that nobody takes it without a price', async () => {
    const { pool, client, announce } = await market();
    const result = await announce();
    expect(result).toMatchObject({ state: 'unsold', awarded: undefined, why: 'no_bids', passedOver: [] });
    expect(await new TaskManager(client).getTask(result.taskId, { pool })).toMatchObject({
      state: 'cancelled',
    });
  });

  it('unsold when nobody who bid starts; `keep` leaves the task to whoever claims it', async () => {
    const { pool, client, announce } = await market('ann');
    await bidder(pool, 'ann', 10, false);
    const result = await announce({ claimTtlMs: 200, ifUnsold: 'keep' }, 1);
    expect(result).toMatchObject({ state: 'unsold', why: 'nobody_left', passedOver: ['ann'] });
    expect(await new TaskManager(client).getTask(result.taskId, { pool })).toMatchObject({
      state: 'pending',
    });
  });

  it('unsold when nobody bids well enough', async () => {
    const { pool, announce } = await market('ann');
    await bidder(pool, 'ann', 10);
    expect(await announce({ reserve: 5 }, 1)).toMatchObject({ state: 'unsold', why: 'reserve_not_met' });
  });

  it('cancelled when the task is', async () => {
    const { pool, client, announce } = await market();
    const underWay = announce({ bidMs: 60_000, task: { taskId: 'the-task', objective: '' } });
    const tasks = new TaskManager(client);
    await expect.poll(async () => (await tasks.cancelTask('the-task', { pool })).status).toBe('accepted');
    expect(await underWay).toMatchObject({ state: 'cancelled', awarded: undefined, cause: 'task_ended' });
  });

  it('cancelled when so many winners did not start that the task was given up', async () => {
    const { pool, announce } = await market('ann', 'bob');
    await bidder(pool, 'ann', 10, false);
    await bidder(pool, 'bob', 20);
    const task = { objective: '', constraints: { maxExpiries: 1 } };
    expect(await announce({ claimTtlMs: 200, task }, 2)).toMatchObject({
      state: 'cancelled',
      awarded: undefined,
    });
  });

  it('rejected when it cannot be announced: then there is neither task nor auction', async () => {
    const { pool, client, announce } = await market();
    const result = await announce({ task: { taskId: 'the-task', objective: '' }, reserve: 'much' });
    expect(result).toMatchObject({ state: 'rejected', outcome: { code: 'invalid_amount' } });
    expect(await new TaskManager(client).getTask('the-task', { pool })).toBeUndefined();
  });

  it('the same call again announces nothing twice, and follows what the first one has announced', async () => {
    const { pool, client, announce } = await market('ann');
    await bidder(pool, 'ann', 10);
    const net = { id: fresh('net'), auctionId: fresh('auction'), bidMs: 60_000 };
    const [first, second] = await Promise.all([announce(net, 1), announce(net)]);
    expect(second).toEqual(first);
    expect(first).toMatchObject({ state: 'started', awarded: { winner: 'ann' } });
    expect((await new TaskManager(client).listTasks({ pool })).items).toHaveLength(1);
    expect(await announce({ id: net.id })).toEqual(first);
  });

  it('goes on when the worker is replaced meanwhile', async () => {
    const { pool, client, announce } = await market('ann');
    const auctionId = fresh('auction');
    const underWay = announce({ auctionId, bidMs: 60_000 });
    const bidding = new BiddingProtocol(client);
    await expect.poll(() => bidding.getAuction(auctionId, { pool })).toBeDefined();
    await bidder(pool, 'ann', 10);
    await system.startWorker();
    const ann = new BiddingProtocol(await system.client('ann'));
    expect(await ann.submitBid(auctionId, 5, { pool })).toMatchObject({ status: 'accepted' });
    await bidding.resolve(auctionId, { pool });
    expect(await underWay).toMatchObject({ state: 'started', awarded: { winner: 'ann', price: '5' } });
  });

  it('stops following when told so; the auction goes on', async () => {
    const { pool, client, announce } = await market();
    const stop = new AbortController();
    const net = { bidMs: 60_000, auctionId: fresh('auction') };
    const underWay = announce({ ...net, signal: stop.signal });
    const bidding = new BiddingProtocol(client);
    await expect.poll(() => bidding.getAuction(net.auctionId, { pool })).toBeDefined();
    stop.abort(new Error('enough'));
    await expect(underWay).rejects.toThrow('enough');
    expect(await bidding.getAuction(net.auctionId, { pool })).toMatchObject({ state: 'open' });
    await expect(announce({ signal: stop.signal })).rejects.toThrow('enough');
  });

  it('ends with the client', async () => {
    const { pool } = await market();
    const client = await system.client('other');
    const net = { task: { objective: '' }, bidMs: 60_000, pool, auctionId: fresh('auction') };
    const underWay = new BiddingProtocol(client).contractNet(net);
    const watching = new BiddingProtocol(await system.client('watcher'));
    await expect.poll(() => watching.getAuction(net.auctionId, { pool })).toBeDefined();
    await Promise.all([client.close(), expect(underWay).rejects.toThrow(UnavailableError)]);
  });

  it.each([true, false])(
    'failed when the first word of the winner is that it failed; retryable: %s',
    async (retryable) => {
      const { pool, client, announce } = await market('ann');
      const ann = await system.client('ann');
      const feed = ann.events({ pool });
      await feed.opened;
      void (async () => {
        for await (const { type, subject, data } of feed) {
          if (type === 'converge.auction.opened')
            await new BiddingProtocol(ann).submitBid(subject.slice('auction/'.length), 10, { pool });
          if (type === 'converge.auction.awarded')
            await new TaskManager(ann).failTask(String(data.taskId), 'cannot', { pool, retryable });
        }
      })().catch(() => undefined);
      const result = await announce({ task: { objective: '', constraints: { maxAttempts: 2 } } }, 1);
      expect(result).toMatchObject({ state: 'failed', awarded: { winner: 'ann', price: '10' } });
      expect(await new TaskManager(client).getTask(result.taskId, { pool })).toMatchObject({
        state: retryable ? 'pending' : 'failed',
        failures: 1,
      });
    },
  );

  it('bids are collected for as long as was said, counted by the log', async () => {
    const { pool, client, announce } = await market();
    const auctionId = fresh('auction');
    await announce({ auctionId, bidMs: 3_000, ifUnsold: 'keep' });
    const auction = await new BiddingProtocol(client).getAuction(auctionId, { pool });
    const collected = (auction?.closesAt ?? 0) - (auction?.openedAt ?? 0);
    // Counted from the last look at the log's time, which is before the announcement.
    expect(collected).toBeLessThanOrEqual(3_000);
    expect(collected).toBeGreaterThan(500);
  });

  it('says that the task is still there when it was not allowed to cancel it', async () => {
    const owner = await system.client('owner');
    const buyer = await system.client(fresh('buyer'));
    const pool = fresh('market');
    await new PoolManager(owner).createPool(pool);
    const auctionId = fresh('auction');
    const net = { pool, auctionId, task: { objective: '' }, bidMs: 10_000 };
    const underWay = new BiddingProtocol(buyer).contractNet(net);
    await expect.poll(() => new BiddingProtocol(owner).getAuction(auctionId, { pool })).toBeDefined();
    await new PoolManager(owner).banAgent(pool, buyer.agent);
    expect(await underWay).toMatchObject({
      state: 'unsold',
      why: 'no_bids',
      notCancelled: { code: 'agent_banned' },
    });
  });

  it('rejected at once in a pool that is none', async () => {
    const client = await system.client('buyer');
    const bidding = new BiddingProtocol(client);
    const net = { task: { objective: '' }, bidMs: 10_000 };
    expect(await bidding.contractNet({ ...net, pool: 'no name' })).toMatchObject({
      state: 'rejected',
      outcome: { code: 'invalid_decision' },
    });
    expect(await bidding.contractNet({ ...net, pool: fresh('missing') })).toMatchObject({
      state: 'rejected',
      outcome: { code: 'pool_not_found' },
    });
  });
});
