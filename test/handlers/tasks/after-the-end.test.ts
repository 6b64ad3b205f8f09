/** Final tasks leave the memory with the commit that stores them: whoever speaks of one later is answered as if it were there. */
import { expect, it } from 'vitest';
import { type Body, START } from '../message.ts';
import { Shard } from '../properties/shard.ts';

function shardWithFinalTask(): Shard {
  const shard = new Shard();
  const said: Body[] = [
    { type: 'CreatePool' },
    { type: 'JoinPool' },
    { type: 'SubmitTask', taskId: 't-1', objective: 'o' },
    { type: 'ClaimTask', taskId: 't-1' },
    { type: 'ReportTask', taskId: 't-1', result: 1 },
  ];
  for (const [i, body] of said.entries()) {
    const { applied } = shard.apply({
      agent: 'ann',
      pool: 'work',
      at: START,
      body: { id: `d-${i}`, ...body },
    });
    expect(applied).toMatchObject({ status: 'accepted' });
  }
  shard.commit();
  expect(shard.world.pool('work')?.entities.task.size).toBe(0);
  return shard;
}

const SAID: readonly (readonly [Body, string])[] = [
  [{ type: 'SubmitTask', taskId: 't-1', objective: 'o' }, 'task_exists'],
  [{ type: 'ClaimTask', taskId: 't-1' }, 'not_pending'],
  [{ type: 'RenewClaim', taskId: 't-1' }, 'already_final'],
  [{ type: 'ReleaseTask', taskId: 't-1' }, 'already_final'],
  [{ type: 'ReportTask', taskId: 't-1', result: 2 }, 'already_final'],
  [{ type: 'FailTask', taskId: 't-1', reason: 'r' }, 'already_final'],
  [{ type: 'CancelTask', taskId: 't-1' }, 'already_final'],
];

it.each(SAID)('%o is %s when the task ended long ago', (body, code) => {
  const { applied } = shardWithFinalTask().apply({
    agent: 'ann',
    pool: 'work',
    at: START + 1,
    body: { id: 'late', ...body },
  });
  expect(applied).toMatchObject({ status: 'rejected', code });
});

it.each(SAID)('%o is %s inside a Batch too', (body, code) => {
  const isSingle =
    body.type !== 'Sweep' && body.type !== 'Settle' && body.type !== 'Pressure' && body.type !== 'Batch';
  const decisions = isSingle ? [body] : [];
  const { applied } = shardWithFinalTask().apply({
    agent: 'ann',
    pool: 'work',
    at: START + 1,
    body: { id: 'late', type: 'Batch', decisions },
  });
  expect(applied.data).toMatchObject({ outcomes: [{ status: 'rejected', code }] });
});
