/** Pools of their own, and agents in them that end with their test. */
import { afterEach, expect, vi } from 'vitest';
import {
  Agent,
  type AgentOptions,
  type ConvergeClient,
  PoolManager,
  TaskManager,
} from '../../src/client/index.ts';
import type { Task } from '../../src/index.ts';
import { fresh, type System, useSystem } from './system.ts';

export const NEVER_MS = 600_000;

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export interface Made {
  readonly agent: Agent;
  readonly errors: unknown[];
}

/** A system for the tests of one file. */
export function useAgents() {
  const system: System = useSystem();
  const agents: Agent[] = [];

  afterEach(async () => {
    await Promise.all(agents.splice(0).map((agent) => agent.stop({ graceful: false })));
  });

  async function room(options: Parameters<PoolManager['createPool']>[1] = {}) {
    const boss = await system.client(fresh('boss'));
    const pool = fresh('pool');
    const pools = new PoolManager(boss);
    const tasks = new TaskManager(boss);
    await pools.createPool(pool, options);
    const becomes = (taskId: string, state: Task['state'], timeout = 60_000): Promise<Task> =>
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

  async function started(
    pool: string,
    options: Partial<AgentOptions>,
    client?: ConvergeClient,
  ): Promise<Made> {
    const it = await made(pool, options, client);
    await it.agent.start();
    return it;
  }

  return { system, room, made, started };
}
