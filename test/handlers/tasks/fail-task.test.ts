import { describe, it } from 'vitest';
import { at, by, claims, given, joins, pool, reports, START, submits, sweep } from '../scenario.ts';

type Fields = { epoch?: number; retryable?: boolean };
const fails = (agent: string, taskId = 't-1', fields: Fields = {}) =>
  by(agent, { type: 'FailTask', taskId, reason: 'out of yarn', ...fields });
type Constraints = { maxAttempts?: number; backoffMs?: number };
const working = (constraints: Constraints = {}) =>
  given(pool(), joins('bob'), submits('ann', 't-1', { constraints }), claims('bob', 't-1', 100));

describe('FailTask by the holder', () => {
  it('is one attempt: the task is pending again while attempts remain', () => {
    working()
      .when(fails('bob'))
      .thenEvents('task.retried t-1')
      .thenEventData('task.retried', {
        agent: 'bob',
        epoch: 1,
        reason: 'out of yarn',
        failures: 1,
        readyAt: START,
      })
      .thenData({ failures: 1, maxAttempts: 3 })
      .thenTask('t-1', { state: 'pending', failures: 1, epoch: 1 })
      .when(claims('bob', 't-1'))
      .thenData({ attempt: 2, claim: { epoch: 2 } });
  });

  it('fails the task for good at maxAttempts', () => {
    working({ maxAttempts: 2 })
      .given(fails('bob'), claims('bob', 't-1'))
      .when(at(7), fails('bob'))
      .thenEvents('task.failed t-1')
      .thenEventData('task.failed', {
        cause: 'failed',
        reason: 'out of yarn',
        by: 'bob',
        agent: 'bob',
        epoch: 2,
      })
      .thenTask('t-1', {
        state: 'failed',
        cause: 'failed',
        reason: 'out of yarn',
        failures: 2,
        finishedAt: START + 7,
        finishedBy: 'bob',
      });
  });

  it('with maxAttempts 1 the first failure is the last', () => {
    working({ maxAttempts: 1 }).when(fails('bob')).thenEvents('task.failed t-1');
  });

  it('not retryable: fails the task for good, whatever attempts remain', () => {
    working()
      .when(fails('bob', 't-1', { retryable: false }))
      .thenEvents('task.failed t-1')
      .thenTask('t-1', { state: 'failed', failures: 1 });
  });

  it('waits backoffMs after the first failure and twice as long after each further one', () => {
    const scenario = working({ maxAttempts: 9, backoffMs: 100 });
    let clock = 0;
    for (const wait of [100, 200, 400, 800]) {
      scenario
        .when(fails('bob'))
        .thenEvents('task.retried t-1')
        .thenTask('t-1', { state: 'scheduled', readyAt: START + clock + wait })
        .when(at(clock + wait - 1), claims('bob', 't-1'))
        .thenRejected('not_pending', { transient: true });
      clock += wait;
      scenario.when(at(clock), claims('bob', 't-1')).thenEvents('task.unblocked t-1', 'task.claimed t-1');
    }
  });

  it('the sweep ends a backoff', () => {
    working({ backoffMs: 100 })
      .given(fails('bob'))
      .when(at(99), sweep())
      .thenEvents()
      .when(at(100), sweep())
      .thenEvents('task.unblocked t-1')
      .thenTask('t-1', { state: 'pending' });
  });

  it('a backoff is never longer than the longest duration', () => {
    const year = 366 * 24 * 60 * 60_000;
    const scenario = working({ maxAttempts: 1_000, backoffMs: year }).given(
      fails('bob'),
      at(year),
      claims('bob', 't-1'),
    );
    scenario.when(fails('bob')).thenTask('t-1', { state: 'scheduled', readyAt: START + 2 * year });
  });

  it('claim_lost at expiresAt: the failure came too late', () => {
    working().when(at(99), fails('bob')).thenEvents('task.retried t-1');
    working().when(at(100), fails('bob')).thenRejected('claim_lost');
  });

  it('claim_lost with another epoch, and for strangers', () => {
    working()
      .given(joins('cyd'))
      .when(fails('bob', 't-1', { epoch: 2 }))
      .thenRejected('claim_lost')
      .when(fails('cyd'))
      .thenRejected('claim_lost');
  });

  it('already_final and task_not_found', () => {
    working()
      .given(reports('bob', 't-1'))
      .when(fails('bob'))
      .thenRejected('already_final')
      .when(fails('ann'))
      .thenRejected('already_final')
      .when(fails('bob', 't-9'))
      .thenRejected('task_not_found');
  });
});

describe('FailTask by the submitter or the pool owner', () => {
  it('a submitter whose own claim is over fails the task outright, whether or not it was swept; as its holder it is too late', () => {
    const held = () =>
      given(pool(), joins('ann'), submits('ann', 't-1'), claims('ann', 't-1', 100)).given(at(100));
    held()
      .when(fails('ann', 't-1', { epoch: 1 }))
      .thenRejected('claim_lost');
    held()
      .given(sweep())
      .when(fails('ann', 't-1', { epoch: 1 }))
      .thenRejected('claim_lost');
    held().when(fails('ann')).thenEvents('task.expired t-1', 'task.failed t-1');
    held().given(sweep()).when(fails('ann')).thenEvents('task.failed t-1');
  });

  it.each(['ann', 'owner'])('%s fails the task outright, holder or not', (agent) => {
    working()
      .when(fails(agent))
      .thenEvents('task.failed t-1')
      .thenEventData('task.failed', { cause: 'failed', by: agent, agent: 'bob', epoch: 1 })
      .thenTask('t-1', { state: 'failed', finishedBy: agent })
      .when(reports('bob', 't-1'))
      .thenRejected('already_final');
    given(pool(), submits('ann', 't-1')).when(fails(agent)).thenEvents('task.failed t-1');
  });

  it('also a blocked and a scheduled task', () => {
    given(
      pool(),
      submits('ann', 't-1', { notBefore: START + 9 }),
      submits('ann', 't-2', { dependsOn: ['t-1'] }),
    )
      .when(fails('ann', 't-2'))
      .thenEvents('task.failed t-2')
      .when(fails('ann', 't-1'))
      .thenEvents('task.failed t-1');
  });

  it('claim_lost when it names an epoch: that is a holder’s word', () => {
    working()
      .when(fails('ann', 't-1', { epoch: 1 }))
      .thenRejected('claim_lost');
  });

  it('a claim that is over meanwhile expires first', () => {
    working()
      .when(at(100), fails('ann'))
      .thenEvents('task.expired t-1', 'task.failed t-1')
      .thenTask('t-1', { expiries: 1 });
  });

  it('who submitted and holds it fails as a holder does', () => {
    given(pool(), joins('bob'), submits('bob', 't-1'), claims('bob', 't-1'))
      .when(fails('bob'))
      .thenEvents('task.retried t-1');
  });
});
