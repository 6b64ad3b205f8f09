import { describe, it } from 'vitest';
import { at, by, claims, given, joins, pool, reports, submits } from '../scenario.ts';

const releases = (agent: string, taskId: string, epoch?: number) =>
  by(agent, { type: 'ReleaseTask', taskId, ...(epoch === undefined ? {} : { epoch }) });
const working = () => given(pool(), joins('bob'), submits('ann', 't-1'), claims('bob', 't-1', 100));

describe('ReleaseTask', () => {
  it('gives the task back at once; it is not a failure, nor an expiry', () => {
    working()
      .when(releases('bob', 't-1'))
      .thenEvents('task.released t-1')
      .thenEventData('task.released', { agent: 'bob', epoch: 1, why: 'released' })
      .thenTask('t-1', { state: 'pending', epoch: 1, failures: 0, expiries: 0 });
  });

  it('a running task can be released too', () => {
    working()
      .given(by('bob', { type: 'RenewClaim', taskId: 't-1', progress: 0.5 }))
      .when(releases('bob', 't-1'))
      .thenTask('t-1', { state: 'pending' });
  });

  it('claim_lost at expiresAt, whether or not the sweep has run: it expired and counts as that', () => {
    working().when(at(99), releases('bob', 't-1')).thenEvents('task.released t-1');
    working().when(at(100), releases('bob', 't-1')).thenRejected('claim_lost');
  });

  it('claim_lost for others, for another epoch, and the second time', () => {
    working()
      .when(releases('ann', 't-1'))
      .thenRejected('claim_lost')
      .when(releases('bob', 't-1', 2))
      .thenRejected('claim_lost')
      .given(releases('bob', 't-1', 1))
      .when(releases('bob', 't-1'))
      .thenRejected('claim_lost');
  });

  it('already_final and task_not_found', () => {
    working()
      .given(reports('bob', 't-1'))
      .when(releases('bob', 't-1'))
      .thenRejected('already_final')
      .when(releases('bob', 't-9'))
      .thenRejected('task_not_found');
  });
});
