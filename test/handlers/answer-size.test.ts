/** No outcome grows beyond what the server can carry: whoever claims is told what it claimed. */
import { expect, it } from 'vitest';
import { MAX_ANSWER_BYTES } from '../../src/protocol/limits.ts';
import { by, given, pool } from './scenario.ts';

const LARGE = 'x'.repeat(200_000);
const TASKS = ['t-0', 't-1', 't-2', 't-3', 't-4', 't-5'];

function largeTasks() {
  return given(
    pool(),
    by('bob', { type: 'JoinPool' }),
    ...TASKS.map((taskId) => by('ann', { type: 'SubmitTask', taskId, objective: 'o', inputs: { LARGE } })),
  );
}

it('ClaimNextTask claims no more than one outcome can tell', () => {
  const { answer } = largeTasks().when(by('bob', { type: 'ClaimNextTask', limit: 6 }));
  expect(answer.status).toBe('accepted');
  expect(JSON.stringify(answer.data).length).toBeLessThanOrEqual(MAX_ANSWER_BYTES + 1_000);
  expect(answer.events).toHaveLength(2);
});

it('ClaimNextTask always claims one, however large it is', () => {
  const { answer } = largeTasks().when(by('bob', { type: 'ClaimNextTask' }));
  expect(answer.events).toHaveLength(1);
});

it('too_large: a Batch rejects the members whose answers no longer fit, and they may be sent again', () => {
  const decisions = TASKS.map((taskId) => ({ type: 'ClaimTask' as const, taskId }));
  const { answer } = largeTasks().when(by('bob', { type: 'Batch', decisions }));
  const outcomes = Reflect.get(Object(answer.data), 'outcomes');
  expect(outcomes).toMatchObject([
    { status: 'accepted' },
    { status: 'accepted' },
    { status: 'rejected', code: 'too_large', transient: true },
    { status: 'rejected', code: 'too_large' },
    { status: 'rejected', code: 'too_large' },
    { status: 'rejected', code: 'too_large' },
  ]);
  expect(answer.events).toHaveLength(2);
});
