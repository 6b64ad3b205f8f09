import { describe, expect, it, vi } from 'vitest';
import { Claims } from '../../src/client/agent/claims.ts';
import { BiddingProtocol, DelegationProtocol, PoolManager, TaskManager } from '../../src/client/index.ts';
import { messageOf } from '../../src/lib/errors.ts';
import type { HeldTask } from '../../src/protocol/outcome-data.ts';
import { NEVER_MS, sleep, useAgents } from './agent-room.ts';
import { fresh } from './system.ts';

const { system, room, started } = useAgents();

describe('deciding', () => {
  it('outcomes are shown once, and after a call that failed those of that call', async () => {
    const { pool } = await room();
    const seen: { readonly outcomes: readonly string[]; readonly failure: string | undefined }[] = [];
    await started(pool, {
      pollMs: 20,
      decide: (_messages, _tasks, { outcomes, failure }) => {
        seen.push({
          outcomes: outcomes.map(({ type }) => type),
          failure: failure === undefined ? undefined : messageOf(failure),
        });
        if (seen.length === 1) return [{ type: 'Heartbeat' }];
        if (seen.length === 2) throw new Error('cannot decide');
        return [];
      },
    });
    await vi.waitFor(() => expect(seen.length).toBeGreaterThanOrEqual(4));
    expect(seen.slice(0, 4)).toEqual([
      { outcomes: [], failure: undefined },
      { outcomes: ['Heartbeat'], failure: undefined },
      { outcomes: [], failure: 'cannot decide' },
      { outcomes: [], failure: undefined },
    ]);
  });

  it.each(['Batch', 'single'])(
    'a claim that is taken for somebody else is not worked on: %s',
    async (how) => {
      const { pool, boss, submit, becomes } = await room();
      const principal = boss.withAgent(fresh('ann'));
      await new PoolManager(principal).joinPool(pool);
      const client = await system.client(fresh('helper'));
      await new DelegationProtocol(principal).delegate(client.agent, ['tasks'], { pool });
      await submit('t');
      const work = vi.fn();
      let calls = 0;
      const onBehalfOf = principal.agent;
      const { agent } = await started(
        pool,
        {
          work,
          decide: () => {
            if (++calls > 1) return [];
            const claim = { type: 'ClaimTask', taskId: 't' } as const;
            return how === 'Batch'
              ? [{ type: 'Batch', onBehalfOf, decisions: [claim] }]
              : [{ ...claim, onBehalfOf }];
          },
        },
        client,
      );
      expect((await becomes('t', 'assigned')).claim?.agent).toBe(principal.agent);
      await sleep(200);
      expect(work).not.toHaveBeenCalled();
      expect(agent.holding).toEqual([]);
    },
  );

  it('only tasks of the topics of a pool are shown', async () => {
    const { pool, submit } = await room();
    await submit('off', { topic: 'other', priority: 9 });
    await submit('none', { priority: 8 });
    await submit('on', { topic: 'build' });
    const seen: string[][] = [];
    await started(pool, {
      pools: [{ pool, topics: ['build'] }],
      maxTasks: 1,
      decide: (_messages, tasks) => {
        seen.push(tasks.map(({ taskId }) => taskId));
        return [];
      },
    });
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(0));
    expect(seen[0]).toEqual(['on']);
  });

  it('all pending tasks are shown, up to maxTasks, though one page of them would be too large to send', async () => {
    const { pool, submit } = await room();
    // Four pages by their bytes; the agent's own topic stands behind all of them.
    const inputs = { text: 'x'.repeat(60_000) };
    const large = Array.from({ length: 30 }, (_, i) => `large-${i}`);
    for (const taskId of large) await submit(taskId, { inputs, priority: 5, topic: 'others' });
    await submit('last', { topic: 'build' });
    const shownTo = async (more: object): Promise<readonly string[]> => {
      const seen: string[][] = [];
      const { agent } = await started(pool, {
        ...more,
        decide: (_messages, tasks) => {
          seen.push(tasks.map(({ taskId }) => taskId));
          return [];
        },
      });
      await vi.waitFor(() => expect(seen.length).toBeGreaterThan(0), 10_000);
      await agent.stop();
      return seen[0] ?? [];
    };
    expect(await shownTo({})).toEqual([...large, 'last']);
    expect(await shownTo({ maxTasks: 20 })).toEqual(large.slice(0, 20));
    expect(await shownTo({ pools: [{ pool, topics: ['build'] }] })).toEqual(['last']);
  });

  it.each(['first_price_sealed', 'dutch'] as const)(
    'what is won by auction is worked on: %s',
    async (kind) => {
      const { pool, boss, submit, becomes } = await room();
      const { agent } = await started(pool, {
        pollMs: NEVER_MS,
        work: ({ taskId, attempt }) => `${taskId} ${attempt}`,
      });
      await submit('t', { constraints: { claimTtlMs: 2_000 } });
      const bidding = new BiddingProtocol(boss);
      const auctionId = fresh('auction');
      const terms = kind === 'dutch' ? { startPrice: 10, step: 1, stepMs: 60_000, reserve: 1 } : {};
      const task = { taskId: 'auctioned', objective: 'o', constraints: { claimTtlMs: 2_000 } };
      const announced = await boss.decide(pool, {
        type: 'Batch',
        atomic: true,
        decisions: [
          { type: 'SubmitTask', ...task },
          {
            type: 'OpenAuction',
            auctionId,
            kind,
            taskId: 'auctioned',
            closesAt: Date.now() + 60_000,
            ...terms,
          },
        ],
      });
      expect(announced).toMatchObject({ status: 'accepted' });
      const bid = await new BiddingProtocol(agent.client).submitBid(auctionId, 10, { pool });
      expect(bid).toMatchObject({ status: 'accepted' });
      if (kind !== 'dutch') await bidding.resolve(auctionId, { pool });
      expect(await becomes('auctioned', 'completed')).toMatchObject({
        finishedBy: agent.client.agent,
        result: 'auctioned 1',
      });
    },
  );
});

describe('claims', () => {
  const held = (taskId: string, forMs: number): HeldTask => ({
    taskId,
    objective: 'o',
    priority: 0,
    constraints: {},
    submitter: 'boss',
    attempt: 1,
    claim: { epoch: 1, expiresAt: 1_000 + forMs },
  });

  async function claims(onLate = vi.fn(), onError = vi.fn()) {
    const client = await system.client(fresh('agent'));
    return new Claims({ agent: client.agent, tasks: new TaskManager(client), onError, onLate });
  }

  it('a claim that is over before its outcome is known is not held', async () => {
    const all = await claims();
    const told = { at: 1_000, askedAt: performance.now() - 5_000 };
    expect(all.hold('p', held('t', 1_000), told)).toBeUndefined();
    expect(all.all).toEqual([]);
  });

  it('nor one whose end was heard of before', async () => {
    const all = await claims();
    const client = await system.client(fresh('other'));
    const mine = new Claims({
      agent: client.agent,
      tasks: new TaskManager(client),
      onError: () => undefined,
      onLate: () => undefined,
    });
    const event = {
      type: 'converge.task.cancelled',
      subject: 'task/t',
      data: { agent: client.agent, epoch: 1 },
    } as never;
    mine.happened('p', event);
    const told = { at: 1_000, askedAt: performance.now() };
    expect(mine.hold('p', held('t', 60_000), told)).toBeUndefined();
    expect(mine.all).toEqual([]);
    all.close();
  });

  it('the same claim is held once, and one that comes after the end is given back', async () => {
    const onLate = vi.fn((claim: { end(): void }) => claim.end());
    const all = await claims(onLate);
    const told = { at: 1_000, askedAt: performance.now() };
    const first = all.hold('p', held('t', 60_000), told);
    expect(first).toBeDefined();
    expect(all.hold('p', held('t', 60_000), told)).toBeUndefined();
    expect(all.all).toEqual([first]);
    first?.end();
    all.close();
    expect(all.hold('p', held('u', 60_000), told)).toBeUndefined();
    expect(onLate).toHaveBeenCalledOnce();
  });
});
