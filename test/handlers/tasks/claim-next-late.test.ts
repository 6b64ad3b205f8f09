/** ClaimNextTask where time has changed tasks that no sweep has met yet: it tells what happened, then it chooses. */
import { describe, expect, it } from 'vitest';
import { at, by, claims, given, joins, pool, type Scenario, START, submits, sweep } from '../scenario.ts';

type Fields = { limit?: number; topics?: string[] };
const claimsNext = (agent: string, fields: Fields = {}) => by(agent, { type: 'ClaimNextTask', ...fields });

const expired = (fields: { topic?: string } = {}) =>
  given(pool(), joins('bob'), joins('cyd'), submits('ann', 't-1', fields), claims('cyd', 't-1', 50), at(50));

function dataOf(scenario: Scenario, type: string): unknown {
  return scenario.answer.events.filter(({ event }) => event.type === type).map(({ event }) => event.data);
}

describe('ClaimNextTask, late', () => {
  it('an expired task counts against the limit like those that were waiting', () => {
    expired()
      .given(submits('ann', 't-2'))
      .when(claimsNext('bob'))
      .thenEvents('task.expired t-1', 'task.claimed t-1');
  });

  it('an expired task whose topic was not asked for is not taken', () => {
    expired({ topic: 'gpu' })
      .when(claimsNext('bob', { topics: ['cpu'] }))
      .thenEvents('task.expired t-1')
      .thenTask('t-1', { state: 'pending' });
  });

  it('an expired task whose topic was asked for is taken at once', () => {
    expired({ topic: 'gpu' })
      .when(claimsNext('bob', { topics: ['cpu', 'gpu'] }))
      .thenEvents('task.expired t-1', 'task.claimed t-1');
  });

  it('an expired task without a topic is not taken by whoever asks for one', () => {
    expired()
      .when(claimsNext('bob', { topics: ['gpu'] }))
      .thenEvents('task.expired t-1');
  });

  it('does not end a blocked task at its deadline: what became of those it waits for comes first', () => {
    given(pool(), joins('bob'), submits('ann', 't-1'))
      .given(submits('ann', 't-2', { dependsOn: ['t-1'], deadline: START + 50 }))
      .when(at(60), claimsNext('bob'))
      .thenEvents('task.claimed t-1')
      .thenTask('t-2', { state: 'blocked' })
      .when(sweep())
      .thenEvents('task.failed t-2');
  });

  it('a task that was abandoned before its deadline fails once, as abandoned', () => {
    const scenario = given(pool(), joins('bob'), joins('cyd'))
      .given(submits('ann', 't-1', { deadline: START + 80, constraints: { maxExpiries: 1 } }))
      .given(claims('cyd', 't-1', 50))
      .when(at(90), claimsNext('bob'))
      .thenEvents('task.expired t-1', 'task.failed t-1');
    expect(dataOf(scenario, 'task.failed')).toEqual([{ cause: 'abandoned', by: '_system' }]);
  });

  it('a deadline that came after the claim had expired names no holder', () => {
    const scenario = given(pool(), joins('bob'), joins('cyd'))
      .given(submits('ann', 't-1', { deadline: START + 80 }), claims('cyd', 't-1', 50))
      .when(at(90), claimsNext('bob'))
      .thenEvents('task.expired t-1', 'task.failed t-1');
    expect(dataOf(scenario, 'task.failed')).toEqual([{ cause: 'deadline_passed', by: '_system' }]);
  });
});
