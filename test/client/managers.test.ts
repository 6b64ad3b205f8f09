import { createHash } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import {
  type AnyDecisionInput,
  acceptedOrThrow,
  type ConvergeClient,
  PoolManager,
  TaskManager,
} from '../../src/client/index.ts';
import type { Task } from '../../src/protocol/documents.ts';
import { fresh, useSystem } from './system.ts';

const system = useSystem();

interface Someone {
  readonly client: ConvergeClient;
  readonly pools: PoolManager;
  readonly tasks: TaskManager;
}

async function someone(name: string): Promise<Someone> {
  const client = await system.client(fresh(name));
  return { client, pools: new PoolManager(client), tasks: new TaskManager(client) };
}

/** Someone with a pool of its own, of which it is a member. */
async function owner(): Promise<Someone & { readonly pool: string }> {
  const ada = await someone('ada');
  const pool = fresh('pool');
  acceptedOrThrow(await ada.pools.createPool(pool));
  acceptedOrThrow(await ada.pools.joinPool(pool));
  return { ...ada, pool };
}

function idsOf(page: { readonly items: readonly Task[] }): string[] {
  return page.items.map(({ taskId }) => taskId);
}

it('a pool is created, joined, left and closed, and can be looked at', async () => {
  const { client, pools } = await someone('ada');
  const pool = fresh('pool');
  expect(await pools.getPool(pool)).toBeUndefined();
  expect(await pools.members(pool)).toBeUndefined();

  expect(await pools.createPool(pool, { capacity: 5, topics: ['x'] })).toMatchObject({
    status: 'accepted',
    data: { pool },
  });
  expect(await pools.createPool(pool)).toMatchObject({ status: 'rejected', code: 'pool_exists' });
  expect(await pools.getPool(pool)).toMatchObject({ owner: client.agent, capacity: 5, members: 0 });

  const joined = await pools.joinPool(pool, { capabilities: ['ts', 'sql'] });
  expect(acceptedOrThrow(joined).data.capabilities).toEqual(['sql', 'ts']);
  expect((await pools.members(pool))?.items).toMatchObject([{ agent: client.agent }]);
  expect(await pools.getPoolsForAgent(client.agent)).toEqual(['commons', pool]);
  expect(await pools.getPoolsForAgent()).toEqual(['commons', pool]);
  expect((await pools.listPools({ limit: 1_000 })).items.map((each) => each.pool)).toContain(pool);
  expect(await pools.heartbeat(pool)).toMatchObject({ status: 'accepted' });

  expect(acceptedOrThrow(await pools.leavePool(pool)).data.released).toEqual([]);
  expect(await pools.heartbeat(pool)).toMatchObject({ code: 'not_a_member' });
  expect(await pools.closePool(pool)).toMatchObject({ status: 'accepted' });
  expect(await pools.joinPool(pool)).toMatchObject({ code: 'pool_closed' });
});

it('a pool with a token lets in whoever has it', async () => {
  const { pools } = await someone('ada');
  const pool = fresh('pool');
  const sha256 = createHash('sha256').update('sesame').digest('hex');
  await pools.createPool(pool, { admission: { kind: 'token', sha256 } });
  // Its owner may know of it; to anybody else without the token there is no such pool.
  expect(await pools.joinPool(pool, { token: 'wrong' })).toMatchObject({ code: 'not_admitted' });
  const stranger = (await someone('bob')).pools;
  expect(await stranger.joinPool(pool, { token: 'wrong' })).toMatchObject({ code: 'pool_not_found' });
  expect(await stranger.joinPool(pool, { token: 'sesame' })).toMatchObject({ status: 'accepted' });
});

it('a task goes from submission through claim and renewal to its result', async () => {
  const { client, tasks, pool } = await owner();
  const submitted = acceptedOrThrow(await tasks.submit({ objective: 'add', inputs: [1, 2] }, { pool }));
  const { taskId } = submitted.data;
  expect(await tasks.getTask(taskId, { pool })).toMatchObject({ state: 'pending', objective: 'add' });

  const { data } = acceptedOrThrow(await tasks.claim(taskId, { pool, claimTtlMs: 5_000 }));
  expect(data).toMatchObject({ taskId, inputs: [1, 2], attempt: 1, claim: { epoch: 1 } });
  const renewed = acceptedOrThrow(await tasks.renew(taskId, { pool, progress: 0.5, note: 'half' }));
  expect(renewed.data.expiresAt).toBeGreaterThanOrEqual(data.claim.expiresAt);
  expect(await tasks.getTask(taskId, { pool })).toMatchObject({ state: 'running', progress: 0.5 });

  expect(await tasks.report(taskId, { sum: 3 }, { pool, epoch: 1 })).toMatchObject({ status: 'accepted' });
  expect(await tasks.getTask(taskId, { pool })).toMatchObject({
    state: 'completed',
    result: { sum: 3 },
    finishedBy: client.agent,
  });
  expect(await tasks.report(taskId, 4, { pool })).toMatchObject({ code: 'already_final' });
});

it('tasks in commons need no pool', async () => {
  const { tasks } = await someone('ada');
  const taskId = fresh('task');
  expect(await tasks.submit({ taskId, objective: 'o' })).toMatchObject({ pool: 'commons' });
  expect(idsOf(await tasks.listPendingTasks())).toContain(taskId);
  expect(await tasks.claim(taskId)).toMatchObject({ status: 'accepted' });
  expect(await tasks.release(taskId)).toMatchObject({ status: 'accepted' });
  expect(await tasks.cancelTask(taskId, { reason: 'no more' })).toMatchObject({ status: 'accepted' });
  expect(await tasks.getTask(taskId)).toMatchObject({ state: 'cancelled', reason: 'no more' });
});

it('what there is none of is undefined, and a rejection is a value', async () => {
  const { tasks } = await someone('ada');
  expect(await tasks.getTask('no-such-task')).toBeUndefined();
  expect(await tasks.claim('no-such-task')).toMatchObject({ status: 'rejected', code: 'task_not_found' });
  expect(await tasks.claim('x', { pool: 'no-such-pool' })).toMatchObject({ code: 'pool_not_found' });
});

it('claiming the next gives the best tasks, and an empty list when there are none', async () => {
  const { tasks, pool } = await owner();
  await tasks.submit({ taskId: 'low', objective: 'o', priority: 1 }, { pool });
  await tasks.submit({ taskId: 'high', objective: 'o', priority: 9 }, { pool });
  const first = acceptedOrThrow(await tasks.claimNext({ pool }));
  expect(first.data.tasks.map(({ taskId }) => taskId)).toEqual(['high']);
  const rest = acceptedOrThrow(await tasks.claimNext({ pool, limit: 5 }));
  expect(rest.data.tasks.map(({ taskId }) => taskId)).toEqual(['low']);
  expect(acceptedOrThrow(await tasks.claimNext({ pool })).data.tasks).toEqual([]);
});

it('a holder fails an attempt, the submitter the task; in the name of another only with a delegation', async () => {
  const { client, tasks, pool } = await owner();
  await tasks.submit({ taskId: 't', objective: 'o' }, { pool });
  await tasks.claim('t', { pool });
  expect(await tasks.failTask('t', 'flaky', { pool, agentId: 'somebody' })).toMatchObject({
    code: 'delegation_missing',
  });
  expect(await tasks.failTask('t', 'flaky', { pool, agentId: client.agent })).toMatchObject({
    status: 'accepted',
  });
  expect(await tasks.getTask('t', { pool })).toMatchObject({ state: 'pending', failures: 1 });
  expect(await tasks.failTask('t', 'hopeless', { pool })).toMatchObject({ status: 'accepted' });
  expect(await tasks.getTask('t', { pool })).toMatchObject({ state: 'failed', reason: 'hopeless' });
});

it('pending tasks are listed as the agent may claim them', async () => {
  const { client, pools, tasks, pool } = await owner();
  await pools.joinPool(pool, { capabilities: ['ts'] });
  await tasks.submit({ taskId: 'plain', objective: 'o' }, { pool });
  await tasks.submit({ taskId: 'ts', objective: 'o', requiredCapabilities: ['ts'] }, { pool });
  await tasks.submit({ taskId: 'rust', objective: 'o', requiredCapabilities: ['rust'] }, { pool });
  expect(idsOf(await tasks.listPendingTasks(pool)).sort()).toEqual(['plain', 'rust', 'ts']);
  const visible = async (...args: Parameters<TaskManager['listPendingTasksForAgent']>) =>
    idsOf(await tasks.listPendingTasksForAgent(...args)).sort();
  expect(await visible(client.agent, [pool])).toEqual(['plain', 'ts']);
  expect(await visible(client.agent, [pool], ['rust'])).toEqual(['plain', 'rust']);
  expect(await visible(undefined, [pool], undefined, { limit: 1 })).toHaveLength(1);
  expect(await visible('a-stranger', [pool])).toEqual([]);
});

it('tasks are listed by state and agent, page by page', async () => {
  const { client, tasks, pool } = await owner();
  await tasks.submitAll(
    Array.from({ length: 5 }, (_, i) => ({ taskId: `t${i}`, objective: 'o' })),
    { pool },
  );
  await tasks.claim('t3', { pool });
  expect(idsOf(await tasks.listTasks({ pool, agent: client.agent }))).toEqual(['t3']);
  const first = await tasks.listTasks({ pool, state: ['pending', 'assigned'], limit: 3 });
  expect(idsOf(first)).toEqual(['t0', 't1', 't2']);
  const { cursor } = first;
  expect(idsOf(await tasks.listTasks({ pool, state: ['pending', 'assigned'], limit: 3, cursor }))).toEqual([
    't3',
    't4',
  ]);
});

it('many tasks are submitted in order, in Batches, with an answer for each', async () => {
  const { tasks, pool } = await owner();
  const many = Array.from({ length: 250 }, (_, i) => ({
    taskId: `t${i}`,
    objective: 'o',
    // Each depends on one that may stand in the Batch before.
    ...(i === 0 ? {} : { dependsOn: [`t${i - 1}`] }),
  }));
  const outcomes = await tasks.submitAll(many, { pool, id: 'import' });
  expect(outcomes).toHaveLength(250);
  expect(outcomes.every(({ status }) => status === 'accepted')).toBe(true);
  expect((await tasks.listTasks({ pool, limit: 1_000 })).items).toHaveLength(250);
  // The same call again gives the same answers, and submits nothing twice.
  expect(await tasks.submitAll(many, { pool, id: 'import' })).toEqual(outcomes);
});

it('tasks too large for one Batch are divided; one that is malformed takes its Batch with it', async () => {
  const { tasks, pool } = await owner();
  const large = Array.from({ length: 10 }, () => ({ objective: 'o', inputs: 'x'.repeat(60_000) }));
  expect((await tasks.submitAll(large, { pool })).map(({ status }) => status)).toEqual(
    Array.from({ length: 10 }, () => 'accepted'),
  );
  const wide = Array.from({ length: 6 }, () => ({
    objective: 'o',
    inputs: Array.from({ length: 8_000 }, () => 1),
  }));
  expect((await tasks.submitAll(wide, { pool })).every(({ status }) => status === 'accepted')).toBe(true);
  const bad = [{ objective: 'fine' }, { objective: 'o', priority: 0.5 }];
  expect((await tasks.submitAll(bad, { pool })).map(({ code }) => code)).toEqual([
    'invalid_decision',
    'invalid_decision',
  ]);
  expect(await tasks.submitAll([])).toEqual([]);
});

it('an atomic Batch is all or none', async () => {
  const { tasks, pool } = await owner();
  const twice = [
    { taskId: 'same', objective: 'o' },
    { taskId: 'same', objective: 'o' },
  ];
  const outcomes = await tasks.submitAll(twice, { pool, atomic: true });
  expect(outcomes.map(({ code }) => code)).toEqual(['task_exists', 'task_exists']);
  expect(await tasks.getTask('same', { pool })).toBeUndefined();
});

it('every decision can be published without waiting for what becomes of it', async () => {
  const { client, tasks, pool } = await owner();
  const decisions: readonly AnyDecisionInput[] = [
    { type: 'SubmitTask', taskId: 't', objective: 'o' },
    { type: 'ClaimTask', taskId: 't' },
    { type: 'ReportTask', taskId: 't', result: 'done' },
    { type: 'OpenAuction', auctionId: 'a', kind: 'english', closesAt: Date.now() + 3_600_000 },
    { type: 'LeavePool' },
  ];
  const places: number[] = [];
  for (const decision of decisions) places.push((await client.publish(pool, decision)).seq);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  await vi.waitFor(async () => {
    expect(await tasks.getTask('t', { pool })).toMatchObject({ state: 'completed', result: 'done' });
    expect(await client.query('auction', { pool, auctionId: 'a' })).toMatchObject({ state: 'open' });
    expect((await client.query('members', { pool })).items).toEqual([]);
  });
});

it('what has happened is told in events, pool by pool, in order', async () => {
  const { client, tasks, pool } = await owner();
  const feed = client.events({ pool });
  await feed.opened;
  await tasks.submit({ taskId: 't', objective: 'o' }, { pool });
  await tasks.claim('t', { pool });
  await tasks.report('t', 1, { pool });
  const seen: string[] = [];
  for await (const { type, actor, sequence } of feed) {
    expect(actor).toBe(client.agent);
    // Outcomes are sent before events: that of joining may come while the feed is open already.
    if (Number(sequence) < 3) continue;
    seen.push(`${Number(sequence)} ${type}`);
    if (seen.length === 3) break;
  }
  expect(seen).toEqual(['3 converge.task.submitted', '4 converge.task.claimed', '5 converge.task.completed']);
});

it('decisions survive a NATS server that is killed, and each happens once', async () => {
  const { tasks, pool } = await owner();
  const outcomes = Array.from({ length: 200 }, (_, i) =>
    tasks.submit({ taskId: `t${i}`, objective: 'o' }, { pool }),
  );
  await outcomes[0];
  await system.server.kill();
  await system.server.restart();
  expect((await Promise.all(outcomes)).every(({ status }) => status === 'accepted')).toBe(true);
  expect((await tasks.listTasks({ pool, limit: 1_000 })).items).toHaveLength(200);
}, 60_000);

it('decisions survive a worker that is replaced', async () => {
  const { tasks, pool } = await owner();
  const outcomes = Array.from({ length: 100 }, (_, i) =>
    tasks.submit({ taskId: `t${i}`, objective: 'o' }, { pool }),
  );
  await system.startWorker();
  const late = tasks.submit({ taskId: 'late', objective: 'o' }, { pool });
  expect((await Promise.all([...outcomes, late])).every(({ status }) => status === 'accepted')).toBe(true);
}, 60_000);
