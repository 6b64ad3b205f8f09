import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/protocol/json.ts';
import { at, by, claims, given, joins, pool, START, submits, sweep } from '../scenario.ts';

type Fields = { epoch?: number; result?: Json };
const reports = (agent: string, taskId: string, { result = 'done', ...fields }: Fields = {}) =>
  by(agent, { type: 'ReportTask', taskId, result, ...fields });
const working = () => given(pool(), joins('bob'), submits('ann', 't-1'), claims('bob', 't-1', 100));

describe('ReportTask', () => {
  it('completes the task with its result', () => {
    const scenario = working()
      .when(at(50), reports('bob', 't-1', { result: { ok: [1, null] } }))
      .thenEvents('task.completed t-1')
      .thenEventData('task.completed', { agent: 'bob', epoch: 1, result: { ok: [1, null] } })
      .thenTask('t-1', {
        state: 'completed',
        result: { ok: [1, null] },
        finishedAt: START + 50,
        finishedBy: 'bob',
        epoch: 1,
      });
    expect(scenario.task('t-1')).toHaveProperty('claim', undefined);
  });

  it.each([null, false, 0, '', [], {}])('%j is a result', (result) => {
    working()
      .when(reports('bob', 't-1', { result }))
      .thenTask('t-1', { state: 'completed', result });
  });

  it('a late report after expiry changes nothing: in time until 1 ms before expiresAt', () => {
    working().when(at(99), reports('bob', 't-1')).thenEvents('task.completed t-1');
    working().when(at(100), reports('bob', 't-1')).thenRejected('claim_lost', { transient: false });
    working().when(at(101), reports('bob', 't-1')).thenRejected('claim_lost');
    working().given(at(100), sweep()).when(reports('bob', 't-1')).thenRejected('claim_lost');
  });

  it('claim_lost: who has not the claim cannot report, be it the submitter or the owner', () => {
    for (const agent of ['ann', 'owner', 'eve'])
      working().when(reports(agent, 't-1')).thenRejected('claim_lost');
    given(pool(), joins('bob'), submits('ann', 't-1')).when(reports('bob', 't-1')).thenRejected('claim_lost');
  });

  it('claim_lost with an earlier epoch, although the agent holds the task again', () => {
    working()
      .given(at(100), claims('bob', 't-1'))
      .when(reports('bob', 't-1', { epoch: 1 }))
      .thenRejected('claim_lost')
      .when(reports('bob', 't-1', { epoch: 2 }))
      .thenEvents('task.completed t-1');
  });

  it('claim_lost when another has claimed meanwhile', () => {
    working()
      .given(joins('cyd'), at(100), claims('cyd', 't-1'))
      .when(reports('bob', 't-1'))
      .thenRejected('claim_lost')
      .when(reports('cyd', 't-1'))
      .thenEvents('task.completed t-1');
  });

  it('already_final the second time, and the first result stays', () => {
    working()
      .given(reports('bob', 't-1', { result: 1 }))
      .when(reports('bob', 't-1', { result: 2 }))
      .thenRejected('already_final', { transient: false })
      .thenTask('t-1', { result: 1 });
  });

  it('task_not_found', () => {
    working().when(reports('bob', 't-9')).thenRejected('task_not_found');
  });
});
