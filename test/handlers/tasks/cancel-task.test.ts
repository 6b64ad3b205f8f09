import { describe, expect, it } from 'vitest';
import { at, by, claims, given, joins, pool, reports, START, submits, sweep } from '../scenario.ts';

const cancels = (agent: string, taskId = 't-1', reason?: string) =>
  by(agent, { type: 'CancelTask', taskId, ...(reason === undefined ? {} : { reason }) });
const submitted = () => given(pool(), joins('bob'), submits('ann', 't-1'));

describe('CancelTask', () => {
  it.each(['ann', 'owner'])('%s may: the submitter and the pool owner', (agent) => {
    submitted()
      .when(at(5), cancels(agent, 't-1', 'not needed'))
      .thenEvents('task.cancelled t-1')
      .thenEventData('task.cancelled', { cause: 'cancelled', by: agent, reason: 'not needed' })
      .thenTask('t-1', {
        state: 'cancelled',
        cause: 'cancelled',
        reason: 'not needed',
        finishedAt: START + 5,
        finishedBy: agent,
      });
  });

  it('not_allowed for anyone else, the holder included', () => {
    submitted()
      .given(claims('bob', 't-1'))
      .when(cancels('bob'))
      .thenRejected('not_allowed', { transient: false })
      .when(cancels('eve'))
      .thenRejected('not_allowed');
  });

  it('without a reason none is kept', () => {
    expect(submitted().when(cancels('ann')).task('t-1')).toHaveProperty('reason', undefined);
  });

  it('a holder learns of it by the event, and by claim_lost on its next word', () => {
    submitted()
      .given(claims('bob', 't-1'))
      .when(cancels('ann'))
      .thenEventData('task.cancelled', { agent: 'bob', epoch: 1 })
      .when(reports('bob', 't-1'))
      .thenRejected('claim_lost')
      .when(by('bob', { type: 'RenewClaim', taskId: 't-1' }))
      .thenRejected('claim_lost');
  });

  it.each([
    ['scheduled', { notBefore: START + 9 }],
    ['blocked', { dependsOn: ['t-0'] }],
  ])('a %s task can be cancelled', (state, fields) => {
    given(pool(), submits('ann', 't-0'), submits('ann', 't-1', fields))
      .thenTask('t-1', { state })
      .when(cancels('ann'))
      .thenEvents('task.cancelled t-1');
  });

  it('already_final: nothing changes a task that ended', () => {
    submitted()
      .given(cancels('ann'))
      .when(cancels('ann'))
      .thenRejected('already_final', { transient: false })
      .when(cancels('owner'))
      .thenRejected('already_final');
    submitted()
      .given(claims('bob', 't-1'), reports('bob', 't-1'))
      .when(cancels('ann'))
      .thenRejected('already_final');
  });

  it('a cancelled task is not claimed, by name or as the next', () => {
    submitted()
      .given(cancels('ann'))
      .when(claims('bob', 't-1'))
      .thenRejected('not_pending', { transient: false })
      .when(by('bob', { type: 'ClaimNextTask' }))
      .thenEvents();
  });

  it('a claim that is over meanwhile expires first, and its holder is not named', () => {
    const scenario = submitted()
      .given(claims('bob', 't-1', 100))
      .when(at(100), cancels('ann'))
      .thenEvents('task.expired t-1', 'task.cancelled t-1');
    expect(scenario.answer.events[1]?.event.data).not.toHaveProperty('agent');
  });

  it('a sweep after it finds nothing to do', () => {
    submitted()
      .given(claims('bob', 't-1', 100), cancels('ann'))
      .when(at(100), sweep())
      .thenEvents();
  });

  it('task_not_found', () => {
    submitted().when(cancels('ann', 't-9')).thenRejected('task_not_found');
  });
});
