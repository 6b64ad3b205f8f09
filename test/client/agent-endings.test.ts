import { describe, expect, it, vi } from 'vitest';
import { AgentNameSharedError, AgentStateError, PoolManager } from '../../src/client/index.ts';
import { NEVER_MS, sleep, useAgents } from './agent-room.ts';
import { fresh } from './system.ts';

const { system, room, made, started } = useAgents();

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
    await vi.waitFor(async () => expect(await members()).toEqual([]), { timeout: 60_000 });
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
    expect(errors.map(String).join()).toMatch(/agent_banned: could not leave pool/);
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
