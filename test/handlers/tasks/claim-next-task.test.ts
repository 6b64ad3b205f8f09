import { describe, expect, it } from 'vitest';
import { at, by, claims, given, joins, pool, type Scenario, START, submits } from '../scenario.ts';

type Fields = { limit?: number; topics?: string[]; claimTtlMs?: number };
const claimsNext = (agent: string, fields: Fields = {}) => by(agent, { type: 'ClaimNextTask', ...fields });

function claimedBy(scenario: Scenario): unknown {
  return scenario.answer.events
    .filter(({ event }) => event.type === 'task.claimed')
    .map(({ event }) => event.id);
}

describe('ClaimNextTask', () => {
  it('takes the highest priority first, and of equals the one submitted first', () => {
    given(pool(), joins('bob'))
      .given(submits('ann', 'low', { priority: -1 }), submits('ann', 'b'), submits('ann', 'a'))
      .given(submits('ann', 'high', { priority: 5 }))
      .when(claimsNext('bob'))
      .thenEvents('task.claimed high')
      .when(claimsNext('bob', { limit: 3 }))
      .thenEvents('task.claimed b', 'task.claimed a', 'task.claimed low');
  });

  it('the order holds across topics and requirements', () => {
    const scenario = given(pool(), joins('bob', 'x', 'y'))
      .given(submits('ann', 't-1', { topic: 'gpu' }), submits('ann', 't-2', { requiredCapabilities: ['x'] }))
      .given(submits('ann', 't-3'), submits('ann', 't-4', { priority: 1, requiredCapabilities: ['y'] }))
      .given(submits('ann', 't-5', { topic: 'cpu' }))
      .when(claimsNext('bob', { limit: 9 }));
    expect(claimedBy(scenario)).toEqual(['t-4', 't-1', 't-2', 't-3', 't-5']);
  });

  it('a task that came back keeps its place in the order of submission', () => {
    given(pool(), joins('bob'), submits('ann', 't-1'), submits('ann', 't-2'), claims('bob', 't-1'))
      .given(by('bob', { type: 'ReleaseTask', taskId: 't-1' }))
      .when(claimsNext('bob'))
      .thenEvents('task.claimed t-1');
  });

  it('an empty list is an accepted answer', () => {
    given(pool(), joins('bob'))
      .when(claimsNext('bob'))
      .thenEvents()
      .thenData({ tasks: [] })
      .thenNothingChanged();
  });

  it('takes at most limit, 1 unless stated', () => {
    given(pool(), joins('bob'), ...['t-1', 't-2', 't-3', 't-4'].map((id) => submits('ann', id)))
      .when(claimsNext('bob'))
      .thenEvents('task.claimed t-1')
      .when(claimsNext('bob', { limit: 2 }))
      .thenEvents('task.claimed t-2', 'task.claimed t-3');
  });

  it.each([0, 101, 1.5])('invalid_decision for a limit of %s', (limit) => {
    given(pool(), joins('bob'))
      .when(claimsNext('bob', { limit }))
      .thenRejected('invalid_decision', { message: /^limit: / });
  });

  it('with topics: only tasks of these topics; none for an empty list', () => {
    given(pool(), joins('bob'), submits('ann', 't-0'))
      .given(submits('ann', 't-1', { topic: 'gpu' }), submits('ann', 't-2', { topic: 'cpu' }))
      .given(submits('ann', 't-3', { topic: 'io' }))
      .when(claimsNext('bob', { topics: [], limit: 9 }))
      .thenEvents()
      .when(claimsNext('bob', { topics: ['io', 'gpu', 'none'], limit: 9 }))
      .thenEvents('task.claimed t-1', 'task.claimed t-3')
      .when(claimsNext('bob', { limit: 9 }))
      .thenEvents('task.claimed t-0', 'task.claimed t-2');
  });

  it('passes over what the member lacks the capability for; of alternatives one suffices', () => {
    given(pool(), joins('bob', 'rust', 'tpu'))
      .given(submits('ann', 't-1', { requiredCapabilities: ['go'], priority: 9 }))
      .given(submits('ann', 't-2', { requiredCapabilities: [['gpu', 'tpu'], 'rust'] }))
      .given(submits('ann', 't-3', { requiredCapabilities: [['gpu', 'tpu'], 'go'] }))
      .when(claimsNext('bob', { limit: 9 }))
      .thenEvents('task.claimed t-2');
  });

  it('takes what the claim limit leaves; claim_limit_reached when that is nothing', () => {
    given(
      pool({ maxClaimsPerAgent: 3 }),
      joins('bob'),
      ...['a', 'b', 'c', 'd'].map((id) => submits('ann', id)),
    )
      .given(claims('bob', 'd'))
      .when(claimsNext('bob', { limit: 9 }))
      .thenEvents('task.claimed a', 'task.claimed b')
      .when(claimsNext('bob'))
      .thenRejected('claim_limit_reached', { transient: true });
  });

  it('no agent holds more than 1,000 claims in one pool, whatever the pool allows', () => {
    const scenario = given(pool(), joins('bob'));
    for (let i = 0; i < 1_001; i++) scenario.given(submits('ann', `t-${i}`));
    for (let i = 0; i < 10; i++) scenario.given(claimsNext('bob', { limit: 100 }));
    scenario
      .when(claimsNext('bob', { limit: 100 }))
      .thenRejected('claim_limit_reached')
      .when(claims('bob', 't-1000'))
      .thenRejected('claim_limit_reached');
  });

  it('not_a_member', () => {
    given(pool(), submits('ann', 't-1')).when(claimsNext('eve')).thenRejected('not_a_member');
  });

  it('its claims last as long as it says', () => {
    given(
      pool(),
      joins('bob'),
      submits('ann', 't-1'),
      submits('ann', 't-2', { constraints: { maxRunMs: 20 } }),
    )
      .when(claimsNext('bob', { limit: 2, claimTtlMs: 30 }))
      .thenData({
        tasks: [
          { taskId: 't-1', claim: { epoch: 1, expiresAt: START + 30 } },
          { taskId: 't-2', claim: { epoch: 1, expiresAt: START + 20 } },
        ],
      });
  });

  it('finds tasks whose claims expired before the sweep met them, in their place', () => {
    given(pool(), joins('bob'), joins('cyd'), submits('ann', 't-1'), submits('ann', 't-2'))
      .given(claims('cyd', 't-1', 50))
      .when(at(50), claimsNext('bob', { limit: 2 }))
      .thenEvents('task.expired t-1', 'task.claimed t-1', 'task.claimed t-2')
      .thenTask('t-1', { expiries: 1, claim: { agent: 'bob', epoch: 2 } });
  });

  it('an expired task is taken only by whom it fits: capability and topic are asked of it too', () => {
    given(pool(), joins('bob'), joins('cyd', 'rust'))
      .given(submits('ann', 't-1', { requiredCapabilities: ['rust'], topic: 'x' }), claims('cyd', 't-1', 50))
      .when(at(50), claimsNext('bob'))
      .thenEvents('task.expired t-1')
      .thenTask('t-1', { state: 'pending' })
      .when(claimsNext('cyd', { topics: ['y'] }))
      .thenEvents()
      .when(claimsNext('cyd', { topics: ['x'] }))
      .thenEvents('task.claimed t-1');
  });

  it('claims nothing whose deadline has come, however many such tasks there are', () => {
    const scenario = given(pool(), joins('bob'));
    for (let i = 0; i < 150; i++) scenario.given(submits('ann', `t-${i}`, { deadline: START + 50 }));
    scenario.when(at(50), claimsNext('bob', { limit: 100 }));
    expect(claimedBy(scenario)).toEqual([]);
  });

  it('brings at most 100 lapsed tasks up to date, however many there are', () => {
    const scenario = given(pool(), joins('bob'), joins('cyd'));
    for (let i = 0; i < 150; i++) scenario.given(submits('ann', `t-${i}`));
    scenario.given(
      claimsNext('cyd', { limit: 100, claimTtlMs: 50 }),
      claimsNext('cyd', { limit: 50, claimTtlMs: 50 }),
    );
    scenario.when(at(50), claimsNext('bob', { limit: 100 }));
    expect(scenario.answer.events).toHaveLength(200);
    scenario.when(claimsNext('bob', { limit: 100 }));
    expect(claimedBy(scenario)).toHaveLength(50);
  });
});
