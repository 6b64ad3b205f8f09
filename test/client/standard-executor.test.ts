import { expect, it } from 'vitest';
import {
  type CustomDecision,
  ExecutionInterruptedError,
  type InPool,
  StandardExecutor,
  TaskManager,
} from '../../src/client/index.ts';
import { ConfigurationError, DecisionRejectedError, PublishError } from '../../src/lib/errors.ts';
import { shardOf } from '../../src/protocol/shard.ts';
import { fresh, SHARDS, useSystem } from './system.ts';

const system = useSystem();

interface SendEmail extends CustomDecision {
  readonly type: 'SendEmail';
  readonly to: string;
}
interface Note extends CustomDecision {
  readonly type: 'Note';
}

it('a list of decisions is executed in order, over several pools, and answered in order', async () => {
  const client = await system.client(fresh('ada'));
  const pool = fresh('pool');
  const executor = new StandardExecutor(client, { pool });
  const outcomes = await executor.execute([
    { type: 'CreatePool' },
    { type: 'JoinPool', capabilities: ['ts'] },
    { type: 'SubmitTask', taskId: 'a', objective: 'o' },
    { type: 'SubmitTask', taskId: 'a', objective: 'o' },
    { type: 'SubmitTask', taskId: fresh('task'), objective: 'o', pool: 'commons' },
    { type: 'ClaimTask', taskId: 'a' },
    {
      type: 'Batch',
      decisions: [
        { type: 'RenewClaim', taskId: 'a' },
        { type: 'ReportTask', taskId: 'a', result: 1 },
      ],
    },
  ]);
  expect(outcomes.map(({ type, status }) => `${type} ${status}`)).toEqual([
    'CreatePool accepted',
    'JoinPool accepted',
    'SubmitTask accepted',
    'SubmitTask rejected',
    'SubmitTask accepted',
    'ClaimTask accepted',
    'Batch accepted',
  ]);
  expect(outcomes.map((outcome) => outcome.pool === pool)).toEqual([
    true,
    true,
    true,
    true,
    false,
    true,
    true,
  ]);
  const places = outcomes.map(({ seq }) => seq);
  expect(places).toEqual([...places].sort((a, b) => a - b));
});

it('executing the same list again, with ids, changes nothing and answers the same', async () => {
  const client = await system.client(fresh('ada'));
  const executor = new StandardExecutor(client, { pool: fresh('pool') });
  const plan = [
    { type: 'CreatePool', id: 'plan-1' },
    { type: 'JoinPool', id: 'plan-2' },
    { type: 'SubmitTask', id: 'plan-3', taskId: 't', objective: 'o' },
  ] as const;
  const first = await executor.execute(plan);
  expect(await executor.execute(plan)).toEqual(first);
});

it("decisions of the user's own are carried out where they stand, between those of the system", async () => {
  const client = await system.client(fresh('ada'));
  const pool = fresh('pool');
  const tasks = new TaskManager(client);
  const executor = new StandardExecutor<SendEmail | Note>(client, { pool });
  const seen: unknown[] = [];
  executor.register('SendEmail', async ({ to }) => {
    seen.push([to, await tasks.getTask('a', { pool }), await tasks.getTask('b', { pool })]);
    return { sent: to };
  });
  const outcomes = await executor.execute([
    { type: 'CreatePool' },
    { type: 'SubmitTask', taskId: 'a', objective: 'o' },
    { type: 'SendEmail', to: 'bob' },
    { type: 'SubmitTask', taskId: 'b', objective: 'o' },
  ]);
  expect(seen).toEqual([['bob', expect.objectContaining({ taskId: 'a' }), undefined]]);
  expect(outcomes[2]).toMatchObject({
    type: 'SendEmail',
    agent: client.agent,
    pool,
    status: 'accepted',
    data: { sent: 'bob' },
    seq: 0,
  });
  expect(outcomes[3]).toMatchObject({ status: 'accepted' });
});

it('what a handler throws is a rejection, and so is a type that nobody knows', async () => {
  const client = await system.client(fresh('ada'));
  const executor = new StandardExecutor<SendEmail | Note>(client);
  executor.register('SendEmail', ({ to }) => {
    if (to === 'nobody') throw new DecisionRejectedError('not_allowed', 'no mail to nobody');
    throw new Error('the mail server is down');
  });
  const outcomes = await executor.execute([
    { type: 'SendEmail', to: 'nobody' },
    { type: 'SendEmail', to: 'bob' },
    { type: 'Note' },
  ]);
  expect(outcomes.map(({ status, code }) => [status, code])).toEqual([
    ['rejected', 'not_allowed'],
    ['rejected', 'internal_error'],
    ['rejected', 'unknown_type'],
  ]);
});

it('the types of the system cannot be taken, nor one type twice', async () => {
  interface Clash extends CustomDecision {
    readonly type: 'SubmitTask' | 'Batch' | 'Sweep' | 'Note';
  }
  const executor = new StandardExecutor<Clash>(await system.client(fresh('ada')));
  for (const type of ['SubmitTask', 'Batch', 'Sweep'] as const) {
    expect(() => executor.register(type, () => undefined)).toThrow(ConfigurationError);
  }
  executor.register('Note', () => undefined);
  expect(() => executor.register('Note', () => undefined)).toThrow(ConfigurationError);
});

it('tells of each outcome as soon as it is known', async () => {
  const client = await system.client(fresh('ada'));
  const executor = new StandardExecutor(client, { pool: fresh('pool') });
  const told: string[] = [];
  await executor.execute([{ type: 'CreatePool' }, { type: 'JoinPool' }], {
    onOutcome: ({ decision, outcome, sentAt }) => {
      expect(sentAt).toBeLessThanOrEqual(performance.now());
      told.push(`${decision.type} ${outcome.status}`);
    },
  });
  expect(told.sort()).toEqual(['CreatePool accepted', 'JoinPool accepted']);
});

it('when the infrastructure fails, what follows is not sent, and what is known is told', async () => {
  const client = await system.client(fresh('ada'), { shards: 1_000 });
  // A name whose shard, of a thousand, exists, and one whose shard does not.
  const there = poolWhose((shard) => shard < SHARDS);
  const missing = poolWhose((shard) => shard >= SHARDS);
  const executor = new StandardExecutor(client);
  const execution = executor.execute(
    [
      { type: 'Heartbeat', pool: there },
      { type: 'Heartbeat', pool: missing },
      { type: 'CreatePool', pool: there },
    ],
    { timeoutMs: 300 },
  );
  await expect(execution).rejects.toThrow(ExecutionInterruptedError);
  await expect(execution).rejects.toMatchObject({
    cause: expect.any(PublishError),
    outcomes: [expect.objectContaining({ type: 'Heartbeat' }), undefined, undefined],
  });
});

function poolWhose(fits: (shard: number) => boolean): string {
  for (;;) {
    const name = fresh('pool');
    if (fits(shardOf(name, 1_000))) return name;
  }
}

it('decisions that name no pool go to commons', async () => {
  const executor = new StandardExecutor(await system.client(fresh('ada')), {} satisfies InPool);
  expect(await executor.execute([{ type: 'Heartbeat' }])).toMatchObject([{ pool: 'commons' }]);
  expect(await executor.execute([])).toEqual([]);
});
