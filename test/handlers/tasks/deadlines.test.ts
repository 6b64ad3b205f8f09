import { describe, it } from 'vitest';
import { at, by, claims, given, joins, pool, reports, START, submits, sweep } from '../scenario.ts';

const due = { deadline: START + 100 };

describe('deadline', () => {
  it('a pending task fails at its deadline, not 1 ms before', () => {
    given(pool(), submits('ann', 't-1', due))
      .when(at(99), sweep())
      .thenEvents()
      .when(at(100), sweep())
      .thenEvents('task.failed t-1')
      .thenEventData('task.failed', { cause: 'deadline_passed', by: '_system' })
      .thenData({ failed: [{ pool: 'work', taskId: 't-1', cause: 'deadline_passed' }] })
      .thenTask('t-1', { state: 'failed', cause: 'deadline_passed', finishedBy: '_system', failures: 0 });
  });

  it('a task at work fails too, and its holder is named', () => {
    given(pool(), joins('bob'), submits('ann', 't-1', due), claims('bob', 't-1'))
      .given(by('bob', { type: 'RenewClaim', taskId: 't-1', progress: 0.5 }))
      .when(at(100), sweep())
      .thenEvents('task.failed t-1')
      .thenEventData('task.failed', { cause: 'deadline_passed', agent: 'bob', epoch: 1 });
  });

  it('a blocked and a scheduled task fail at it', () => {
    given(pool(), submits('ann', 't-1'))
      .given(submits('ann', 't-2', { ...due, dependsOn: ['t-1'] }))
      .given(submits('ann', 't-3', { ...due, notBefore: START + 500 }))
      .when(at(100), sweep())
      .thenEvents('task.failed t-2', 'task.failed t-3');
  });

  it('claim_lost: nothing is reported at or after the deadline, swept or not', () => {
    const setUp = () => given(pool(), joins('bob'), submits('ann', 't-1', due), claims('bob', 't-1'));
    setUp().when(at(99), reports('bob', 't-1')).thenEvents('task.completed t-1');
    setUp().when(at(100), reports('bob', 't-1')).thenRejected('claim_lost');
    setUp().given(at(100), sweep()).when(reports('bob', 't-1')).thenRejected('already_final');
  });

  it('not_pending, for good: nothing is claimed at or after the deadline, swept or not', () => {
    const setUp = () => given(pool(), joins('bob'), submits('ann', 't-1', due));
    setUp().when(at(99), claims('bob', 't-1')).thenEvents('task.claimed t-1');
    setUp().when(at(100), claims('bob', 't-1')).thenRejected('not_pending', { transient: false });
    setUp()
      .given(at(100), sweep())
      .when(claims('bob', 't-1'))
      .thenRejected('not_pending', { transient: false });
  });

  it('ClaimNextTask passes over tasks whose deadline has come, and says so', () => {
    given(pool(), joins('bob'), submits('ann', 't-1', due), submits('ann', 't-2'), at(100))
      .when(by('bob', { type: 'ClaimNextTask', limit: 5 }))
      .thenEvents('task.failed t-1', 'task.claimed t-2');
  });

  it('already_final: too late to cancel or to fail, swept or not', () => {
    const setUp = () => given(pool(), submits('ann', 't-1', due), at(100));
    for (const scenario of [setUp(), setUp().given(sweep())]) {
      scenario
        .when(by('ann', { type: 'CancelTask', taskId: 't-1' }))
        .thenRejected('already_final')
        .when(by('ann', { type: 'FailTask', taskId: 't-1', reason: '' }))
        .thenRejected('already_final');
    }
  });

  it('what came first counts: a claim that would have expired later did not expire', () => {
    given(pool(), joins('bob'), submits('ann', 't-1', { ...due, constraints: { maxExpiries: 1 } }))
      .given(claims('bob', 't-1', 150))
      .when(at(200), sweep())
      .thenEvents('task.failed t-1')
      .thenTask('t-1', { cause: 'deadline_passed', expiries: 0 });
  });

  it('what came first counts: a claim that expired before the deadline expired', () => {
    given(pool(), joins('bob'), submits('ann', 't-1', due), claims('bob', 't-1', 50))
      .when(at(200), sweep())
      .thenEvents('task.expired t-1', 'task.failed t-1')
      .thenTask('t-1', { cause: 'deadline_passed', expiries: 1 });
  });
});
