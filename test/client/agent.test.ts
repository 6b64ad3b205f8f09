import { once } from 'node:events';
import { afterEach, expect, it, vi } from 'vitest';
import {
  Agent,
  type AgentOptions,
  AgentStateError,
  ClaimLostError,
  type ConvergeClient,
  type CustomDecision,
  PoolManager,
  StandardExecutor,
  TaskManager,
} from '../../src/client/index.ts';
import type { ConvergeEvent, Json, Outcome, Task } from '../../src/index.ts';
import { ConfigurationError, DecisionRejectedError } from '../../src/lib/errors.ts';
import { fresh, useSystem } from './system.ts';

const system = useSystem();
const agents: { stop(options?: object): Promise<void> }[] = [];
/** So long that nothing in a test can be due to looking again after a while. */
const NEVER_MS = 600_000;

afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop({ graceful: false })));
});

interface Setup {
  readonly boss: ConvergeClient;
  readonly pool: string;
  readonly pools: PoolManager;
  readonly tasks: TaskManager;
  submit(taskId: string, more?: object): Promise<void>;
  /** Resolves with the task when it is in the state. */
  becomes(taskId: string, state: Task['state']): Promise<Task>;
}

async function setup(poolOptions: Parameters<PoolManager['createPool']>[1] = {}): Promise<Setup> {
  const boss = await system.client(fresh('boss'));
  const pool = fresh('pool');
  const tasks = new TaskManager(boss);
  const pools = new PoolManager(boss);
  await pools.createPool(pool, poolOptions);
  return {
    boss,
    pool,
    pools,
    tasks,
    submit: async (taskId, more = {}) => {
      expect(await tasks.submit({ taskId, objective: 'o', ...more }, { pool })).toMatchObject({
        status: 'accepted',
      });
    },
    becomes: (taskId, state) =>
      vi.waitFor(
        async () => {
          const task = await tasks.getTask(taskId, { pool });
          if (task?.state !== state) throw new Error(`${taskId} is ${task?.state}, not ${state}`);
          return task;
        },
        { timeout: 60_000 },
      ),
  };
}

async function agent<C extends CustomDecision = never>(
  pool: string,
  options: Partial<AgentOptions<C>>,
): Promise<Agent<C>> {
  const client = await system.client(fresh('agent'));
  const made = new Agent<C>({ client, pools: [{ pool }], onError: () => {}, ...options });
  agents.push(made);
  return made;
}

async function started<C extends CustomDecision = never>(
  pool: string,
  options: Partial<AgentOptions<C>>,
): Promise<Agent<C>> {
  const made = await agent<C>(pool, options);
  await made.start();
  return made;
}

/** Work that goes on until it is told how to end. */
function openEnded(): {
  work: (task: unknown, context: { signal: AbortSignal }) => Promise<Json | undefined>;
  readonly begun: Promise<AbortSignal>;
  end(result: Json): void;
} {
  let end: (result: Json) => void = () => {};
  let begin: (signal: AbortSignal) => void = () => {};
  const ended = new Promise<Json>((resolve) => {
    end = resolve;
  });
  const begun = new Promise<AbortSignal>((resolve) => {
    begin = resolve;
  });
  return {
    begun,
    end: (result) => end(result),
    work: (_task, { signal }) => {
      begin(signal);
      return ended;
    },
  };
}

async function abortOf(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) await once(signal, 'abort');
  return signal.reason;
}

it('an agent that works takes tasks that wait already and those that come, and reports what it found', async () => {
  const { pool, submit, becomes } = await setup();
  await submit('first', { inputs: 2 });
  const { client } = await started(pool, {
    pollMs: NEVER_MS,
    work: ({ inputs, attempt, pool: where }) => ({ twice: Number(inputs) * 2, attempt, where }),
  });
  expect(await becomes('first', 'completed')).toMatchObject({
    result: { twice: 4, attempt: 1, where: pool },
    finishedBy: client.agent,
  });
  await submit('second', { inputs: 21 });
  expect(await becomes('second', 'completed')).toMatchObject({ result: { twice: 42 } });
  await submit('third', { dependsOn: ['second'] });
  expect(await becomes('third', 'completed')).toMatchObject({ result: { where: pool } });
});

it('a result of nothing is null', async () => {
  const { pool, submit, becomes } = await setup();
  await started(pool, { work: () => undefined });
  await submit('t');
  expect(await becomes('t', 'completed')).toMatchObject({ result: null });
});

it('no more tasks are worked on at once than the agent has places', async () => {
  const { pool, tasks, becomes } = await setup();
  let atOnce = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  await started(pool, {
    concurrency: 3,
    pollMs: NEVER_MS,
    work: async () => {
      most = Math.max(most, ++atOnce);
      await new Promise<void>((resolve) => waiting.push(resolve));
      atOnce--;
    },
  });
  await tasks.submitAll(
    Array.from({ length: 9 }, (_, i) => ({ taskId: `t${i}`, objective: 'o' })),
    { pool },
  );
  for (let done = 0; done < 9; done++) {
    await vi.waitFor(() => expect(waiting.length).toBeGreaterThan(0));
    waiting.shift()?.();
  }
  for (let i = 0; i < 9; i++) await becomes(`t${i}`, 'completed');
  expect(most).toBe(3);
});

it('an error in the work fails the attempt, and the agent goes on', async () => {
  const { pool, submit, becomes } = await setup();
  await started(pool, {
    pollMs: NEVER_MS,
    work: ({ taskId, attempt }) => {
      if (taskId === 'hopeless') throw Object.assign(new Error('never'), { retryable: false });
      if (attempt < 3) throw new Error(`attempt ${attempt} failed`);
      return attempt;
    },
  });
  await submit('flaky');
  expect(await becomes('flaky', 'completed')).toMatchObject({ result: 3, failures: 2 });
  await submit('hopeless');
  expect(await becomes('hopeless', 'failed')).toMatchObject({ reason: 'never', cause: 'failed' });
});

it('a result that the system refuses fails the attempt, with the reason', async () => {
  const { pool, submit, becomes } = await setup();
  await started(pool, { work: () => 'x'.repeat(300_000) });
  await submit('t', { constraints: { maxAttempts: 1 } });
  const task = await becomes('t', 'failed');
  expect(task).toMatchObject({ reason: expect.stringContaining('too_large') });
});

it('a claim is renewed as long as the work goes on, and progress is told', async () => {
  const { boss, pool, submit, becomes } = await setup();
  const feed = boss.events({ pool });
  await feed.opened;
  const renewals: ConvergeEvent[] = [];
  const { begun, work, end } = openEnded();
  await started(pool, {
    claimTtlMs: 1_500,
    work: (task, context) => {
      context.progress(0.25, 'begun');
      return work(task, context);
    },
  });
  await submit('t');
  const signal = await begun;
  for await (const event of feed) {
    expect(event.type).not.toBe('converge.task.expired');
    if (event.type === 'converge.task.renewed') renewals.push(event);
    // Together longer than the claim would have lasted.
    if (renewals.length === 4) break;
  }
  expect(signal.aborted).toBe(false);
  end('done');
  expect(await becomes('t', 'completed')).toMatchObject({ result: 'done', expiries: 0, epoch: 1 });
  const told = renewals.map(({ data }) => data);
  expect(told).toContainEqual(expect.objectContaining({ progress: 0.25, note: 'begun' }));
});

it('progress that is none is an error of the work', async () => {
  const { pool, submit, becomes } = await setup();
  await started(pool, { work: (_task, { progress }) => progress(Number.NaN) as undefined });
  await submit('t', { constraints: { maxAttempts: 1 } });
  expect(await becomes('t', 'failed')).toMatchObject({ reason: expect.stringContaining('between 0 and 1') });
});

it('the work learns at once that its task was cancelled, and nothing is reported', async () => {
  const { pool, tasks, submit, becomes } = await setup();
  const { begun, work, end } = openEnded();
  const errors: unknown[] = [];
  const { client } = await started(pool, { work, onError: (error) => errors.push(error) });
  await submit('t');
  const signal = await begun;
  expect((await tasks.cancelTask('t', { pool })).status).toBe('accepted');
  const reason = await abortOf(signal);
  expect(reason).toBeInstanceOf(ClaimLostError);
  expect(String(reason)).toContain('cancelled');
  end('too late');
  await submit('next');
  expect(await becomes('next', 'completed')).toMatchObject({ finishedBy: client.agent });
  expect(await becomes('t', 'cancelled')).not.toHaveProperty('result');
  expect(errors).toEqual([]);
});

it('the work learns that its claim is over when it could not be renewed', async () => {
  const { pool, submit } = await setup();
  const { begun, work, end } = openEnded();
  const worker = await started(pool, { work, claimTtlMs: 500 });
  await submit('t');
  const signal = await begun;
  await system.server.kill('SIGSTOP');
  try {
    expect(String(await abortOf(signal))).toContain('claim of task t lost');
    expect(worker.holding).toEqual([]);
  } finally {
    await system.server.kill('SIGCONT');
    end('too late');
  }
});

it('a claim on which maxRunMs has run out is lost, however often it is renewed', async () => {
  const { pool, submit, becomes } = await setup();
  const signals: AbortSignal[] = [];
  await started(pool, {
    claimTtlMs: 200,
    work: async (_task, { signal }) => {
      signals.push(signal);
      await abortOf(signal);
    },
  });
  await submit('t', { constraints: { maxRunMs: 600, maxExpiries: 2 } });
  expect(await becomes('t', 'failed')).toMatchObject({ cause: 'abandoned' });
  expect(signals).toHaveLength(2);
});

it('an agent is heard from as often as its pool wants', async () => {
  const { pool, pools } = await setup();
  const { client } = await started(pool, {
    pools: [{ pool, presenceMs: 300 }],
    pollMs: NEVER_MS,
    work: () => undefined,
  });
  const seen = new Set<number>();
  await vi.waitFor(
    async () => {
      const page = await pools.members(pool);
      const member = page?.items.find((each) => each.agent === client.agent);
      expect(member).toBeDefined();
      seen.add(member?.lastSeenAt ?? 0);
      expect(seen.size).toBeGreaterThan(8);
    },
    { timeout: 20_000 },
  );
});

it('an agent that was removed from its pool joins again', async () => {
  const { pool, submit, becomes } = await setup();
  const { client } = await started(pool, { pollMs: 50, work: () => 'done' });
  await new PoolManager(client).leavePool(pool);
  await submit('t');
  expect(await becomes('t', 'completed')).toMatchObject({ finishedBy: client.agent });
});

it('an agent that is not let in does not start, and says why', async () => {
  const { pool } = await setup({ admission: { kind: 'allowlist', agents: ['nobody'] } });
  const refused = await agent(pool, { work: () => undefined });
  await expect(refused.start()).rejects.toThrow(DecisionRejectedError);
  await expect(refused.start()).rejects.toThrow(AgentStateError);
});

it('it claims only what it is capable of, and of its topics', async () => {
  const { pool, submit, becomes, tasks } = await setup();
  await submit('rust', { requiredCapabilities: ['rust'], topic: 'build' });
  await submit('off-topic', { requiredCapabilities: ['ts'] });
  await submit('ts', { requiredCapabilities: ['ts'], topic: 'build' });
  await started(pool, {
    pools: [{ pool, capabilities: ['ts'], topics: ['build'] }],
    work: () => undefined,
  });
  await becomes('ts', 'completed');
  const left = await tasks.listPendingTasks(pool);
  expect(left.items.map(({ taskId }) => taskId)).toEqual(['rust', 'off-topic']);
});

it('it works in several pools', async () => {
  const one = await setup();
  const two = await setup();
  await started(one.pool, {
    pools: [{ pool: one.pool }, { pool: two.pool }],
    pollMs: NEVER_MS,
    work: ({ pool }) => pool,
  });
  for (let i = 0; i < 5; i++) {
    await one.submit(`t${i}`);
    await two.submit(`t${i}`);
  }
  for (let i = 0; i < 5; i++) {
    expect(await one.becomes(`t${i}`, 'completed')).toMatchObject({ result: one.pool });
    expect(await two.becomes(`t${i}`, 'completed')).toMatchObject({ result: two.pool });
  }
});

it('stopping gracefully waits for the work and takes nothing new', async () => {
  const { pool, submit, becomes, tasks } = await setup();
  const { begun, work, end } = openEnded();
  const worker = await started(pool, { work });
  await submit('t');
  await begun;
  await submit('next');
  const stopped = worker.stop();
  end('done');
  await stopped;
  expect(await becomes('t', 'completed')).toMatchObject({ result: 'done' });
  expect(await tasks.getTask('next', { pool })).toMatchObject({ state: 'pending', epoch: 0 });
  expect(worker.stop()).toBe(worker.stop());
});

it('stopping at once aborts the work and gives its task back', async () => {
  const { pool, submit, tasks } = await setup();
  const { begun, work, end } = openEnded();
  const worker = await started(pool, { work });
  await submit('t');
  const signal = await begun;
  expect(worker.holding).toEqual([{ pool, taskId: 't' }]);
  await worker.stop({ graceful: false });
  expect(signal.aborted).toBe(true);
  expect(await tasks.getTask('t', { pool })).toMatchObject({ state: 'pending', failures: 0, expiries: 0 });
  end('too late');
});

it('stopping gracefully does not wait for ever, and can leave the pools', async () => {
  const { pool, pools, submit, tasks } = await setup();
  const { begun, work, end } = openEnded();
  const worker = await started(pool, { work });
  await submit('t');
  await begun;
  await worker.stop({ timeoutMs: 50, leave: true });
  expect(await tasks.getTask('t', { pool })).toMatchObject({ state: 'pending' });
  expect((await pools.members(pool))?.items).toEqual([]);
  end('too late');
});

it('an agent whose client is closed stops', async () => {
  const { pool, submit } = await setup();
  const { begun, work, end } = openEnded();
  const worker = await started(pool, { work });
  await submit('t');
  const signal = await begun;
  await worker.client.close();
  expect(await abortOf(signal)).toBeInstanceOf(ClaimLostError);
  end('too late');
  await worker.stop();
});

it('several agents share the tasks of a pool, and all of them are completed, also when NATS is killed', async () => {
  const { pool, tasks } = await setup();
  const done: string[] = [];
  const workers = await Promise.all(
    [1, 2, 3].map(() =>
      started(pool, {
        concurrency: 4,
        pollMs: 200,
        work: ({ taskId }) => {
          done.push(taskId);
          return taskId;
        },
      }),
    ),
  );
  const many = Array.from({ length: 300 }, (_, i) => ({ taskId: `t${i}`, objective: 'o' }));
  await tasks.submitAll(many.slice(0, 150), { pool });
  await vi.waitFor(() => expect(done.length).toBeGreaterThan(20));
  await system.server.kill();
  await system.server.restart();
  await tasks.submitAll(many.slice(150), { pool });
  await vi.waitFor(
    async () => {
      const { items } = await tasks.listTasks({ pool, state: 'completed', limit: 1_000 });
      expect(items).toHaveLength(300);
    },
    { timeout: 100_000, interval: 100 },
  );
  expect(new Set(done).size).toBe(300);
  expect(workers).toHaveLength(3);
}, 240_000);

it('an agent that decides sees what happened and what there is to do, and what became of its decisions', async () => {
  const { pool, submit, becomes, boss } = await setup();
  const calls: { messages: string[]; tasks: string[]; outcomes: Outcome['status'][] }[] = [];
  const { client } = await started(pool, {
    pollMs: NEVER_MS,
    decide: (messages, tasks, { outcomes }) => {
      calls.push({
        messages: messages.map(({ type, actor }) => `${type} ${actor === boss.agent ? 'boss' : 'me'}`),
        tasks: tasks.map(({ taskId }) => taskId),
        outcomes: outcomes.map(({ status }) => status),
      });
      return tasks.flatMap(({ taskId }) => [
        { type: 'ClaimTask', taskId },
        { type: 'ReportTask', taskId, result: 'decided' },
      ]);
    },
  });
  await vi.waitFor(() => expect(calls).toEqual([{ messages: [], tasks: [], outcomes: [] }]));
  await submit('t');
  expect(await becomes('t', 'completed')).toMatchObject({ result: 'decided', finishedBy: client.agent });
  await vi.waitFor(() => expect(calls.length).toBeGreaterThanOrEqual(3));
  expect(calls[1]).toMatchObject({ messages: ['converge.task.submitted boss'], tasks: ['t'] });
  expect(calls[2]).toMatchObject({ tasks: [], outcomes: ['accepted', 'accepted'] });
  const messages = calls.flatMap((call) => call.messages);
  await vi.waitFor(() =>
    expect(calls.flatMap((call) => call.messages)).toEqual([
      'converge.task.submitted boss',
      'converge.task.claimed me',
      'converge.task.completed me',
    ]),
  );
  expect(messages.length).toBeLessThanOrEqual(3);
});

it('a claim that was decided on is renewed until it is reported', async () => {
  const { boss, pool, submit, becomes } = await setup();
  let isTime = false;
  const decider = await started(pool, {
    pollMs: 50,
    decide: (_messages, tasks) => {
      if (isTime) return [{ type: 'ReportTask', taskId: 't', result: 1 }];
      return tasks.map(({ taskId }) => ({
        type: 'Batch',
        decisions: [{ type: 'ClaimTask', taskId, claimTtlMs: 1_500 }],
      }));
    },
  });
  const feed = boss.events({ pool });
  await feed.opened;
  await submit('t');
  let renewals = 0;
  for await (const { type } of feed) if (type === 'converge.task.renewed' && ++renewals === 4) break;
  expect(decider.holding).toEqual([{ pool, taskId: 't' }]);
  isTime = true;
  expect(await becomes('t', 'completed')).toMatchObject({ epoch: 1, expiries: 0 });
  await vi.waitFor(() => expect(decider.holding).toEqual([]));
});

it('with both, what was decided to be claimed is worked on, and nothing else', async () => {
  const { pool, submit, becomes, tasks } = await setup();
  await started(pool, {
    decide: (_messages, visible) =>
      visible
        .filter(({ taskId }) => taskId !== 'unwanted')
        .map(({ taskId }) => ({ type: 'ClaimTask', taskId })),
    work: ({ taskId }) => `worked on ${taskId}`,
  });
  await submit('unwanted');
  await submit('wanted');
  expect(await becomes('wanted', 'completed')).toMatchObject({ result: 'worked on wanted' });
  expect(await tasks.getTask('unwanted', { pool })).toMatchObject({ state: 'pending', epoch: 0 });
});

it('an error in deciding is told and does not end the loop', async () => {
  const { pool, submit, becomes } = await setup();
  const errors: unknown[] = [];
  let calls = 0;
  await started(pool, {
    pollMs: 20,
    decide: (_messages, tasks) => {
      if (++calls <= 2) throw new Error('cannot decide');
      return tasks.map(({ taskId }) => ({
        type: 'Batch',
        decisions: [
          { type: 'ClaimTask', taskId },
          { type: 'ReportTask', taskId, result: null },
        ],
      }));
    },
    onError: (error) => {
      errors.push(error);
      throw new Error('whoever is told may fail as well');
    },
  });
  await submit('t');
  await becomes('t', 'completed');
  expect(errors.map(String)).toEqual(['Error: cannot decide', 'Error: cannot decide']);
});

it('decisions of its own go to the executor that it brings', async () => {
  interface Shout extends CustomDecision {
    readonly type: 'Shout';
    readonly what: string;
  }
  const { pool } = await setup();
  const client = await system.client(fresh('agent'));
  const shouted: string[] = [];
  const executor = new StandardExecutor<Shout>(client, { pool });
  executor.register('Shout', ({ what }) => void shouted.push(what) as undefined);
  await started<Shout>(pool, {
    client,
    executor,
    decide: (messages) => messages.map(({ subject }) => ({ type: 'Shout', what: subject })),
  });
  await new TaskManager(client).submit({ taskId: 't', objective: 'o' }, { pool });
  await vi.waitFor(() => expect(shouted).toContain('task/t'));
});

it('options that make no agent are refused', async () => {
  const client = await system.client(fresh('agent'));
  const work = () => undefined;
  expect(() => new Agent({ client, pools: [], work })).toThrow(ConfigurationError);
  const pools = [{ pool: 'p' }];
  expect(() => new Agent({ client, pools })).toThrow(ConfigurationError);
  expect(() => new Agent({ client, pools, work, concurrency: 0 })).toThrow(ConfigurationError);
  expect(() => new Agent({ client, pools, work, pollMs: 0 })).toThrow(ConfigurationError);
  expect(() => new Agent({ client, pools: [{ pool: 'p' }, { pool: 'p' }], work })).toThrow(
    ConfigurationError,
  );
});
