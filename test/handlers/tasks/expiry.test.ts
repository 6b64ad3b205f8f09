import { describe, it } from 'vitest';
import { at, by, claims, given, joins, pool, reports, START, submits, sweep } from '../scenario.ts';

const working = (maxExpiries?: number) =>
  given(pool(), joins('bob'), joins('cyd'))
    .given(submits('ann', 't-1', { constraints: maxExpiries === undefined ? {} : { maxExpiries } }))
    .given(claims('bob', 't-1', 100));

describe('a claim is over at expiresAt', () => {
  it('exactly then: 1 ms before the task is still its holder’s', () => {
    working().when(at(99), claims('cyd', 't-1')).thenRejected('not_pending');
    working().when(at(100), claims('cyd', 't-1')).thenEvents('task.expired t-1', 'task.claimed t-1');
    working().when(at(101), claims('cyd', 't-1')).thenEvents('task.expired t-1', 'task.claimed t-1');
  });

  it('whether or not the sweep has run: the task is anyone’s, its last holder’s too', () => {
    working()
      .when(at(100), claims('bob', 't-1'))
      .thenEvents('task.expired t-1', 'task.claimed t-1')
      .thenEventData('task.expired', { agent: 'bob', epoch: 1, expiries: 1 })
      .thenTask('t-1', { epoch: 2, expiries: 1, failures: 0, claim: { agent: 'bob', epoch: 2 } });
  });

  it('the sweep gives the task back, and says whose it was', () => {
    working()
      .when(at(99), sweep())
      .thenEvents()
      .thenNothingChanged()
      .when(at(100), sweep())
      .thenEvents('task.expired t-1')
      .thenData({ released: [{ pool: 'work', taskId: 't-1', agent: 'bob', epoch: 1 }] })
      .thenTask('t-1', { state: 'pending', expiries: 1, failures: 0 });
  });

  it('a running task expires too', () => {
    working()
      .given(by('bob', { type: 'RenewClaim', taskId: 't-1', progress: 0.5 }))
      .when(at(100), sweep())
      .thenEvents('task.expired t-1');
  });

  it('a renewed claim is over at its new time only', () => {
    working()
      .given(at(50), by('bob', { type: 'RenewClaim', taskId: 't-1' }))
      .when(at(100), sweep())
      .thenEvents()
      .when(at(150), sweep())
      .thenEvents('task.expired t-1');
  });
});

describe('maxExpiries', () => {
  it('after so many expiries the task fails as abandoned', () => {
    working(2)
      .given(at(100), sweep(), claims('cyd', 't-1', 100))
      .when(at(200), sweep())
      .thenEvents('task.expired t-1', 'task.failed t-1')
      .thenEventData('task.failed', { cause: 'abandoned', by: '_system' })
      .thenData({ failed: [{ pool: 'work', taskId: 't-1', cause: 'abandoned' }] })
      .thenTask('t-1', {
        state: 'failed',
        cause: 'abandoned',
        expiries: 2,
        failures: 0,
        finishedAt: START + 200,
      });
  });

  it('5 unless stated', () => {
    const scenario = working();
    for (let n = 1; n < 5; n++) scenario.given(at(n * 100), sweep(), claims('bob', 't-1', 100));
    scenario.when(at(500), sweep()).thenEvents('task.expired t-1', 'task.failed t-1');
  });

  it('expiries that a claim met before the sweep count as well', () => {
    working(2)
      .given(at(100), claims('cyd', 't-1', 100))
      .when(at(200), sweep())
      .thenEvents('task.expired t-1', 'task.failed t-1');
  });

  it('not_pending, for good: an abandoned task is not claimed before the sweep either', () => {
    working(1)
      .when(at(100), claims('cyd', 't-1'))
      .thenRejected('not_pending', { transient: false })
      .when(by('cyd', { type: 'ClaimNextTask' }))
      .thenEvents('task.expired t-1', 'task.failed t-1')
      .thenTask('t-1', { state: 'failed', cause: 'abandoned' });
  });

  it('releases and failures are no expiries', () => {
    const scenario = working(1);
    scenario
      .given(by('bob', { type: 'ReleaseTask', taskId: 't-1' }), claims('bob', 't-1', 100))
      .given(by('bob', { type: 'FailTask', taskId: 't-1', reason: '' }), claims('bob', 't-1', 100))
      .when(reports('bob', 't-1'))
      .thenTask('t-1', { state: 'completed', expiries: 0, failures: 1 });
  });

  it('claim_lost, already_final: a late word on an abandoned task changes nothing', () => {
    working(1)
      .when(at(100), reports('bob', 't-1'))
      .thenRejected('claim_lost')
      .given(sweep())
      .when(reports('bob', 't-1'))
      .thenRejected('already_final');
  });
});
