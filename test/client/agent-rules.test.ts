/** Rules that an agent keeps whatever its author, its work and its servers do. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Claims } from '../../src/client/agent/claims.ts';
import { boundedText } from '../../src/client/bounded-text.ts';
import {
  Agent,
  AgentNameSharedError,
  type AgentOptions,
  AgentStateError,
  type AnyOutcome,
  BiddingProtocol,
  ClaimLostError,
  type ConvergeClient,
  DelegationProtocol,
  type HeldTask,
  PoolManager,
  TaskManager,
  WorkResultError,
} from '../../src/client/index.ts';
import { insist } from '../../src/client/insist.ts';
import { messageOf, OutcomeTimeoutError, PublishError, UnavailableError } from '../../src/errors.ts';
import type { Json, Task } from '../../src/index.ts';
import { fresh, useSystem } from './system.ts';

const system = useSystem();
const agents: Agent[] = [];
const NEVER_MS = 600_000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop({ graceful: false })));
});

async function room(options: Parameters<PoolManager['createPool']>[1] = {}) {
  const boss = await system.client(fresh('boss'));
  const pool = fresh('pool');
  const pools = new PoolManager(boss);
  const tasks = new TaskManager(boss);
  await pools.createPool(pool, options);
  const becomes = (taskId: string, state: Task['state'], timeout = 10_000): Promise<Task> =>
    vi.waitFor(
      async () => {
        const task = await tasks.getTask(taskId, { pool });
        if (task?.state !== state) throw new Error(`${taskId} is ${task?.state}, not ${state}`);
        return task;
      },
      { timeout, interval: 50 },
    );
  const submit = async (taskId: string, more: object = {}): Promise<void> => {
    expect(await tasks.submit({ taskId, objective: 'o', ...more }, { pool })).toMatchObject({
      status: 'accepted',
    });
  };
  const members = async (): Promise<string[]> =>
    ((await pools.members(pool))?.items ?? []).map(({ agent }) => agent);
  return { boss, pool, pools, tasks, becomes, submit, members };
}

interface Made {
  readonly agent: Agent;
  readonly errors: unknown[];
}

async function made(pool: string, options: Partial<AgentOptions>, client?: ConvergeClient): Promise<Made> {
  const errors: unknown[] = [];
  const agent = new Agent({
    client: client ?? (await system.client(fresh('agent'))),
    pools: [{ pool }],
    onError: (error) => errors.push(error),
    ...options,
  });
  agents.push(agent);
  return { agent, errors };
}

async function started(pool: string, options: Partial<AgentOptions>, client?: ConvergeClient): Promise<Made> {
  const it = await made(pool, options, client);
  await it.agent.start();
  return it;
}

describe('after a stop nothing is begun', () => {
  it.each([0, 1, 5, 20])(
    'an agent that is stopped %d ms after it began to start is not there',
    async (ms) => {
      const { pool, members, submit, tasks } = await room();
      await submit('t');
      const worked = vi.fn();
      const { agent } = await made(pool, { pools: [{ pool, presenceMs: 300 }], work: worked });
      const starting = agent.start().then(
        () => 'started',
        (error) => error,
      );
      if (ms > 0) await sleep(ms);
      await agent.stop({ graceful: false, leave: true });
      const result = await starting;
      if (result !== 'started') expect(result).toBeInstanceOf(AgentStateError);
      await sleep(700);
      expect(await members()).toEqual([]);
      expect(await tasks.getTask('t', { pool })).toMatchObject({ state: 'pending' });
      expect(agent.holding).toEqual([]);
    },
  );

  it('an agent that was stopped does not join again when it is removed', async () => {
    const { pool, members } = await room();
    const { agent } = await started(pool, { pools: [{ pool, presenceMs: 200 }], work: () => null });
    await agent.stop();
    await vi.waitFor(async () => expect(await members()).toEqual([]), { timeout: 10_000 });
    await sleep(500);
    expect(await members()).toEqual([]);
  });

  it('what is decided after the agent was stopped for good is not executed', async () => {
    const { pool, submit, tasks } = await room();
    await submit('t');
    let answer = (): void => undefined;
    const { agent } = await started(pool, {
      decide: () =>
        new Promise((resolve) => {
          answer = () => resolve([{ type: 'ClaimTask', taskId: 't' }]);
        }),
    });
    await sleep(200);
    await agent.stop({ graceful: false });
    answer();
    await sleep(500);
    expect(await tasks.getTask('t', { pool })).toMatchObject({ state: 'pending', epoch: 0 });
  });
});

const hostile = {
  get retryable(): boolean {
    throw new Error('asked too much');
  },
  toString(): string {
    throw new Error('no');
  },
  toJSON(): string {
    throw new Error('no');
  },
};

describe('work ends its claim, whatever it throws or returns', () => {
  const thrown: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['null', null],
    ['a symbol', Symbol('s')],
    ['an object without a prototype', Object.create(null)],
    ['an object that cannot be asked', hostile],
    ['an error whose message is an object', Object.assign(new Error('x'), { message: { quota: 1 } })],
    ['an error whose message is undefined', Object.assign(new Error('x'), { message: undefined })],
    ['an error whose message is half a character', new Error('\ud83d')],
    ['an error whose message is cut within a character', new Error(`${'x'.repeat(2_047)}😀`)],
    ['an error with a message of megabytes', new Error('x'.repeat(5_000_000))],
  ];

  it('thrown', async () => {
    const { pool, submit, becomes } = await room();
    const { agent } = await started(pool, {
      concurrency: 4,
      work: ({ taskId }) => {
        throw thrown[Number(taskId.slice(1))]?.[1];
      },
    });
    for (const i of thrown.keys())
      await submit(`t${i}`, { constraints: { maxAttempts: 1, claimTtlMs: 60_000 } });
    for (const [i, [name]] of thrown.entries()) {
      const { reason } = await becomes(`t${i}`, 'failed');
      expect(typeof reason, name).toBe('string');
      expect(reason?.isWellFormed(), name).toBe(true);
    }
    expect(agent.holding).toEqual([]);
  });

  const nested = (depth: number): Json => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as Json;
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const returned: readonly (readonly [string, unknown, RegExp])[] = [
    ['deeper than a decision', nested(40), /nested deeper than 32/],
    ['deeper than the stack', nested(5_000), /nested deeper than 32|not JSON/],
    ['half a character', { text: 'x\ud83d' }, /lone surrogate/],
    ['too large', 'x'.repeat(300_000), /too_large/],
    ['too many values', Array.from({ length: 30_000 }, () => 0), /more than 20000 values/],
    ['no JSON', { n: 10n }, /not JSON/],
    ['itself', cyclic, /not JSON/],
    ['an integer that loses digits', 2 ** 53, /2\^53/],
    ['what cannot be asked', { it: hostile }, /not JSON/],
  ];

  it('returned', async () => {
    const { pool, submit, becomes } = await room();
    const { errors } = await started(pool, {
      concurrency: 4,
      work: ({ taskId }) => returned[Number(taskId.slice(1))]?.[1] as Json,
    });
    for (const i of returned.keys())
      await submit(`t${i}`, { constraints: { maxAttempts: 1, claimTtlMs: 60_000 } });
    for (const [i, [name, , reason]] of returned.entries())
      expect((await becomes(`t${i}`, 'failed')).reason, name).toMatch(reason);
    expect(errors).toHaveLength(returned.length);
    for (const error of errors) expect(error).toBeInstanceOf(WorkResultError);
  });

  it.each([
    ['cut within a character', `${'x'.repeat(2_047)}😀 and more`],
    ['half a character', 'thinking \ud83d'],
    ['no text at all', { step: 3 } as unknown as string],
  ])('a note that is %s costs nothing', async (_what, note) => {
    const { pool, submit, becomes, boss } = await room();
    const feed = boss.events({ pool });
    await feed.opened;
    const { errors } = await started(pool, {
      claimTtlMs: 3_000,
      work: async (_task, { progress, signal }) => {
        progress(0.5, note);
        for await (const { type, data } of feed)
          if (type === 'converge.task.renewed' && data.progress === 0.5) break;
        return signal.aborted ? 'lost' : String(note).length;
      },
    });
    await submit('t');
    expect(await becomes('t', 'completed')).toMatchObject({ epoch: 1, expiries: 0 });
    expect(errors).toEqual([]);
  });

  it('texts are cut between characters', () => {
    expect(boundedText(`${'x'.repeat(9)}😀`, 10)).toBe('x'.repeat(9));
    expect(boundedText(`${'x'.repeat(8)}😀`, 10)).toBe(`${'x'.repeat(8)}😀`);
    expect(boundedText('a\ud83d', 10)).toBe('a\ufffd');
    expect(boundedText({ a: 1 }, 10)).toBe('{"a":1}');
    expect(messageOf(hostile)).toBe('something that cannot be shown as text');
  });
});

it('what the workers would refuse by its form the client refuses at once, with the same words', async () => {
  const { pool, tasks, submit } = await room();
  const deep = JSON.parse('['.repeat(40) + ']'.repeat(40));
  const before = performance.now();
  const outcome = await tasks.submit({ taskId: 'deep', objective: 'o', inputs: deep }, { pool });
  expect(outcome).toMatchObject({
    status: 'rejected',
    code: 'invalid_decision',
    message: 'nested deeper than 32',
    shard: -1,
  });
  expect(performance.now() - before).toBeLessThan(1_000);
  expect(await tasks.submit({ taskId: '_t', objective: 'o' }, { pool })).toMatchObject({
    code: 'reserved_id',
  });
  await submit('t');
  const all = await tasks.submitAll(
    [
      { taskId: 'one', objective: 'o' },
      { taskId: 'bad', objective: 'o', inputs: { n: 1n } as unknown as Json },
      { taskId: 'two', objective: 'o' },
    ],
    { pool },
  );
  expect(all.map(({ status }) => status)).toEqual(['accepted', 'rejected', 'accepted']);
});

describe('what the agent decides for itself is done, or told', () => {
  it('at its rate limit it gives back and leaves all the same', async () => {
    const { pool, submit, members, tasks } = await room({
      quotas: { agentDecisionsPerS: 1, agentDecisionsBurst: 5 },
    });
    await submit('t');
    const { agent, errors } = await started(pool, {
      pollMs: NEVER_MS,
      work: (_task, { signal }) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(null))),
    });
    await vi.waitFor(() => expect(agent.holding).toHaveLength(1));
    const noisy = new PoolManager(agent.client);
    let isLimited = false;
    while (!isLimited) isLimited = (await noisy.heartbeat(pool)).status === 'rejected';
    await agent.stop({ graceful: false, leave: true });
    expect(await members()).not.toContain(agent.client.agent);
    expect(await tasks.getTask('t', { pool })).toMatchObject({ state: 'pending' });
    expect(errors).toEqual([]);
  });

  it('what is refused for good is told', async () => {
    const { pool, pools } = await room();
    const { agent, errors } = await started(pool, { work: () => null });
    await pools.banAgent(pool, agent.client.agent);
    errors.length = 0;
    await agent.stop({ leave: true });
    expect(errors.map(String).join()).toMatch(/agent_banned: pool .* is not left/);
  });

  const outcome = (changes: object): AnyOutcome =>
    ({
      decisionId: 'd',
      type: 'LeavePool',
      agent: 'a',
      pool: 'p',
      events: [],
      shard: 0,
      seq: 1,
      at: 1,
      ...changes,
    }) as unknown as AnyOutcome;
  let ids = 0;
  const client = { newId: () => `id-${ids++}`, isClosed: false };

  it('an outcome that is not known is asked for with the same id, and the author learns of it', async () => {
    const onError = vi.fn();
    const asked: string[] = [];
    const answer = await insist({ client, goOn: () => true, onError }, async (id) => {
      asked.push(id);
      if (asked.length < 3) throw new OutcomeTimeoutError('no outcome');
      return outcome({ status: 'accepted' });
    });
    expect(answer).toMatchObject({ status: 'accepted' });
    expect(new Set(asked).size).toBe(1);
    expect(onError).toHaveBeenCalledTimes(2);
  });

  it('what may pass is decided again with another id when its time has come', async () => {
    const asked: { readonly id: string; readonly at: number }[] = [];
    await insist({ client, goOn: () => true, onError: () => undefined }, async (id) => {
      asked.push({ id, at: performance.now() });
      if (asked.length > 1) return outcome({ status: 'accepted' });
      return outcome({
        status: 'rejected',
        code: 'rate_limited',
        transient: true,
        data: { retryAfterMs: 600 },
      });
    });
    const [first, second] = asked;
    expect(first?.id).not.toBe(second?.id);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(599);
  });

  it('what trying again does not change is not tried again', async () => {
    const never = vi
      .fn()
      .mockRejectedValue(new PublishError('larger than the server takes', { isFinal: true }));
    const options = { client, goOn: () => true, onError: () => undefined };
    await expect(insist(options, never)).rejects.toThrow('larger');
    const closed = { ...options, client: { ...client, isClosed: true } };
    await expect(insist(closed, vi.fn().mockRejectedValue(new UnavailableError('closed')))).rejects.toThrow();
    const banned = vi.fn().mockResolvedValue(outcome({ status: 'rejected', code: 'agent_banned' }));
    expect(await insist(options, banned)).toMatchObject({ code: 'agent_banned' });
    for (const tried of [never, banned]) expect(tried).toHaveBeenCalledOnce();
  });
});

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

describe('one name', () => {
  it('in two processes is told to both, and neither ends the work of the other by leaving', async () => {
    const { pool, submit, becomes, members } = await room();
    const name = fresh('twin');
    let end = (): void => undefined;
    const one = await started(
      pool,
      {
        work: () =>
          new Promise((resolve) => {
            end = () => resolve('done');
          }),
      },
      await system.client(name),
    );
    await submit('t');
    await becomes('t', 'assigned');
    const two = await started(pool, { work: () => null }, await system.client(name));
    await vi.waitFor(() => {
      for (const { errors } of [one, two]) expect(errors).toContainEqual(expect.any(AgentNameSharedError));
    });
    // The claim of the one is not taken up by the other.
    expect(two.agent.holding).toEqual([]);
    await two.agent.stop({ leave: true });
    expect(await members()).toEqual([name]);
    end();
    expect(await becomes('t', 'completed')).toMatchObject({ result: 'done', epoch: 1 });
    await one.agent.stop({ leave: true });
    expect(await members()).toEqual([]);
  });

  it('of a process that is gone: the next one takes up what it held', async () => {
    const { pool, submit, becomes } = await room();
    const name = fresh('phoenix');
    await submit('t', { constraints: { claimTtlMs: NEVER_MS } });
    const first = await system.client(name);
    await started(pool, { work: () => new Promise(() => undefined) }, first);
    await becomes('t', 'assigned');
    // As if it had crashed: nothing is given back.
    await first.close();
    await started(pool, { work: ({ attempt }) => `taken up, attempt ${attempt}` }, await system.client(name));
    expect(await becomes('t', 'completed')).toMatchObject({
      epoch: 1,
      expiries: 0,
      result: 'taken up, attempt 1',
    });
  });
});

it('synchronous work that outlasts its claim is told by name, with how long it blocked', async () => {
  const { pool, submit } = await room();
  const { errors } = await started(pool, {
    work: () => {
      const until = performance.now() + 1_200;
      while (performance.now() < until);
      return 'late';
    },
  });
  await submit('slow', { constraints: { claimTtlMs: 400, maxExpiries: 1 } });
  await vi.waitFor(() => {
    const told = errors.find((error) => error instanceof ClaimLostError);
    expect(String(told)).toMatch(/task slow .*event loop stood still for 1[2-9]\d\d ms.*claim lasts 400 ms/s);
  }, 10_000);
});

it('no deadline is reckoned by the clock of this machine', () => {
  const src = new URL('../../src/client/', import.meta.url);
  const users = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .filter((file) => /\bDate\.now\b|new Date\(\)/.test(readFileSync(new URL(file, src), 'utf8')));
  // Ids that sort by time, and the time of an outcome that never reached the log.
  expect(users.sort()).toEqual(['ids.ts', 'parcel.ts']);
});
