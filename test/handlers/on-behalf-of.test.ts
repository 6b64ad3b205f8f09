import { describe, it } from 'vitest';
import { by, given, joins, pool, submits } from './scenario.ts';

describe('onBehalfOf, without a delegation', () => {
  it('delegation_missing: nobody acts for another', () => {
    given(pool(), joins('bob'), submits('ann', 't-1'))
      .when(by('eve', { type: 'ClaimTask', taskId: 't-1', onBehalfOf: 'bob' }))
      .thenRejected('delegation_missing', { transient: false })
      .when(by('eve', { type: 'CancelTask', taskId: 't-1', onBehalfOf: 'ann' }))
      .thenRejected('delegation_missing');
  });

  it('acting for oneself is acting', () => {
    given(pool(), joins('bob'), submits('ann', 't-1'))
      .when(by('bob', { type: 'ClaimTask', taskId: 't-1', onBehalfOf: 'bob' }))
      .thenEvents('task.claimed t-1')
      .thenTask('t-1', { claim: { agent: 'bob' } });
  });

  it('of a Batch is that of each of its members, unless one names its own', () => {
    const decisions = [
      { type: 'SubmitTask' as const, taskId: 't-1', objective: '' },
      { type: 'SubmitTask' as const, taskId: 't-2', objective: '', onBehalfOf: 'eve' },
    ];
    given(pool())
      .when(by('eve', { type: 'Batch', onBehalfOf: 'ann', decisions }))
      .thenEvents('task.submitted t-2')
      .thenData({ outcomes: [{ code: 'delegation_missing' }, { status: 'accepted' }] })
      .when(by('eve', { type: 'Batch', atomic: true, onBehalfOf: 'ann', decisions }))
      .thenRejected('delegation_missing');
  });
});
