import { describe, expect, it } from 'vitest';
import { at, by, claims, given, joins, pool, reports, START, submits } from '../scenario.ts';

type Fields = { epoch?: number; progress?: number; note?: string };
const renews = (agent: string, taskId: string, fields: Fields = {}) =>
  by(agent, { type: 'RenewClaim', taskId, ...fields });

const working = (constraints: { maxRunMs?: number } = {}) =>
  given(pool(), joins('bob'), submits('ann', 't-1', { constraints }), claims('bob', 't-1', 100));

describe('RenewClaim', () => {
  it('extends the claim by its ttl from now on, under the same epoch', () => {
    working()
      .when(at(60), renews('bob', 't-1'))
      .thenEvents('task.renewed t-1')
      .thenData({ epoch: 1, expiresAt: START + 160 })
      .thenTask('t-1', { state: 'assigned', claim: { epoch: 1, claimedAt: START, expiresAt: START + 160 } });
  });

  it('again and again, as long as each comes in time', () => {
    working()
      .given(at(99), renews('bob', 't-1'), at(198), renews('bob', 't-1'), at(297))
      .when(reports('bob', 't-1'))
      .thenEvents('task.completed t-1');
  });

  it('never beyond maxRunMs from the claim: a renewal gains less and less, and then the claim is over', () => {
    working({ maxRunMs: 150 })
      .when(at(99), renews('bob', 't-1'))
      .thenData({ expiresAt: START + 150 })
      .when(at(149), renews('bob', 't-1'))
      .thenData({ expiresAt: START + 150 })
      .when(at(150), renews('bob', 't-1'))
      .thenRejected('claim_lost');
  });

  it('maxRunMs counts from each claim anew', () => {
    working({ maxRunMs: 150 })
      .given(at(90), by('bob', { type: 'ReleaseTask', taskId: 't-1' }), at(100), claims('bob', 't-1', 120))
      .when(at(200), renews('bob', 't-1'))
      .thenData({ epoch: 2, expiresAt: START + 250 });
  });

  it('with progress or a note the task is running', () => {
    working()
      .when(renews('bob', 't-1', { progress: 0.25 }))
      .thenTask('t-1', { state: 'running', progress: 0.25 })
      .when(renews('bob', 't-1', { note: 'half way' }))
      .thenTask('t-1', { state: 'running', progress: 0.25, note: 'half way' })
      .when(renews('bob', 't-1', { progress: 1 }))
      .thenTask('t-1', { state: 'running', progress: 1, note: 'half way' })
      .when(renews('bob', 't-1'))
      .thenTask('t-1', { state: 'running', progress: 1, note: 'half way' });
    working()
      .when(renews('bob', 't-1', { note: 'begun' }))
      .thenTask('t-1', { state: 'running', progress: 0, note: 'begun' });
  });

  it('progress and note end with the claim', () => {
    const scenario = working()
      .given(renews('bob', 't-1', { progress: 0.5, note: 'n' }))
      .when(by('bob', { type: 'ReleaseTask', taskId: 't-1' }))
      .thenTask('t-1', { state: 'pending' });
    expect(scenario.task('t-1')).toHaveProperty('progress', undefined);
    expect(scenario.task('t-1')).toHaveProperty('note', undefined);
    expect(scenario.task('t-1')).toHaveProperty('claim', undefined);
  });

  it('claim_lost at expiresAt: not 1 ms before', () => {
    working().when(at(99), renews('bob', 't-1')).thenEvents('task.renewed t-1');
    working().when(at(100), renews('bob', 't-1')).thenRejected('claim_lost', { transient: false });
    working().when(at(101), renews('bob', 't-1')).thenRejected('claim_lost');
  });

  it('claim_lost for whoever does not hold the claim, or holds a later one', () => {
    working()
      .given(joins('cyd'))
      .when(renews('cyd', 't-1'))
      .thenRejected('claim_lost')
      .when(renews('ann', 't-1'))
      .thenRejected('claim_lost')
      .given(by('bob', { type: 'ReleaseTask', taskId: 't-1' }))
      .when(renews('bob', 't-1'))
      .thenRejected('claim_lost')
      .given(claims('bob', 't-1'))
      .when(renews('bob', 't-1', { epoch: 1 }))
      .thenRejected('claim_lost')
      .when(renews('bob', 't-1', { epoch: 2 }))
      .thenEvents('task.renewed t-1')
      .when(renews('bob', 't-1', { epoch: 3 }))
      .thenRejected('claim_lost');
  });

  it('already_final and task_not_found', () => {
    working()
      .given(reports('bob', 't-1'))
      .when(renews('bob', 't-1'))
      .thenRejected('already_final')
      .when(renews('bob', 't-9'))
      .thenRejected('task_not_found');
  });

  it.each([-0.1, 1.1])('invalid_decision for a progress of %s', (progress) => {
    working()
      .when(renews('bob', 't-1', { progress }))
      .thenRejected('invalid_decision', { message: /^progress: / });
  });
});
