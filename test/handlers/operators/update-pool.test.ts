/** UpdatePool: all that CreatePool says can be said anew, and what there is already stays as it is. */
import { describe, expect, it } from 'vitest';
import type { DecisionInput } from '../../../src/protocol/decisions/index.ts';
import { at, by, claims, given, joins, pool, reports, submits } from '../scenario.ts';

type Fields = Omit<Extract<DecisionInput, { type: 'UpdatePool' }>, 'type'>;
const updates = (who: string, fields: Fields) => by(who, { type: 'UpdatePool', ...fields });

describe('UpdatePool', () => {
  it.each<[string, Fields, object]>([
    [
      'admission',
      { admission: { allowlist: { agents: ['ann'] } } },
      { admission: { kind: 'allowlist', agents: ['ann'] } },
    ],
    ['capacity', { capacity: 7 }, { capacity: 7 }],
    ['topics', { topics: ['x', 'y'] }, { topics: ['x', 'y'] }],
    ['submitters', { submitters: 'members' }, { submitters: 'members' }],
    ['defaults', { defaults: { claimTtlMs: 5 } }, { defaults: { claimTtlMs: 5 } }],
    ['maxClaimsPerAgent', { maxClaimsPerAgent: 2 }, { maxClaimsPerAgent: 2 }],
  ])('changes %s, says so, and leaves the rest', (_, fields, expected) => {
    const before = { topics: ['a'], capacity: 3, maxClaimsPerAgent: 9, operators: ['op'] };
    const scenario = given(pool(before));
    const doc = scenario.pool();
    scenario
      .when(updates('owner', fields))
      .thenEvents('pool.updated work')
      .thenEventData('pool.updated', expected);
    expect(scenario.answer.events[0]?.event.data).toEqual(expected);
    expect(scenario.pool()).toEqual({ ...doc, ...expected });
  });

  it('takes bounds away with null', () => {
    const scenario = given(pool({ capacity: 1, maxClaimsPerAgent: 1 }), joins('ann'))
      .given(updates('owner', { capacity: null, maxClaimsPerAgent: null }))
      .when(joins('bob'))
      .thenEvents('member.joined bob');
    expect(scenario.pool()).not.toHaveProperty('capacity');
    expect(scenario.pool()).not.toHaveProperty('maxClaimsPerAgent');
  });

  it('a capacity below the number of members throws nobody out, and lets nobody in', () => {
    given(pool(), joins('ann'), joins('bob'), updates('owner', { capacity: 1 }))
      .when(joins('ann', 'gpu'))
      .thenEvents('member.updated ann')
      .when(joins('cyd'))
      .thenRejected('pool_full')
      .when(by('ann', { type: 'LeavePool' }), joins('cyd'))
      .thenRejected('pool_full')
      .when(by('bob', { type: 'LeavePool' }), joins('cyd'))
      .thenEvents('member.joined cyd');
  });

  it('fewer claims for an agent end none of those that it holds', () => {
    given(pool(), joins('bob'), ...['t-1', 't-2', 't-3'].map((id) => submits('ann', id)))
      .given(claims('bob', 't-1'), claims('bob', 't-2'), updates('owner', { maxClaimsPerAgent: 1 }))
      .when(claims('bob', 't-3'))
      .thenRejected('claim_limit_reached')
      .when(reports('bob', 't-1'))
      .thenEvents('task.completed t-1')
      .when(claims('bob', 't-3'))
      .thenRejected('claim_limit_reached');
  });

  it('defaults are those of tasks submitted from then on', () => {
    given(pool({ defaults: { claimTtlMs: 100 } }), submits('ann', 'before'))
      .given(updates('owner', { defaults: { claimTtlMs: 200 } }), submits('ann', 'after'))
      .when(joins('bob'))
      .thenTask('before', { constraints: { claimTtlMs: 100 } })
      .thenTask('after', { constraints: { claimTtlMs: 200 } });
  });

  it('topics that are no more leave the tasks of that topic as they are', () => {
    given(pool({ topics: ['x'] }), joins('bob'), submits('ann', 't-1', { topic: 'x' }))
      .given(updates('owner', { topics: [] }))
      .when(by('bob', { type: 'ClaimNextTask', topics: ['x'] }))
      .thenEvents('task.claimed t-1');
  });

  it('submitters: members, from then on', () => {
    given(pool(), submits('ann', 't-1'), updates('owner', { submitters: 'members' }))
      .when(submits('ann', 't-2'))
      .thenRejected('not_a_member')
      .when(by('ann', { type: 'CancelTask', taskId: 't-1' }))
      .thenEvents('task.cancelled t-1');
  });

  it('a pool that is made private keeps its members; to others it is gone from then on', () => {
    given(pool(), joins('ann'), submits('zed', 't-1'))
      .given(updates('owner', { admission: { kind: 'allowlist', agents: [] } }))
      .when(claims('ann', 't-1'))
      .thenEvents('task.claimed t-1')
      .when(by('zed', { type: 'CancelTask', taskId: 't-1' }))
      .thenRejected('pool_not_found')
      .when(updates('owner', { admission: 'open' }), by('zed', { type: 'CancelTask', taskId: 't-1' }))
      .thenEvents('task.cancelled t-1');
  });
});

describe('a pool is handed over', () => {
  it('to a member, who rules it from then on; who ruled it before does not', () => {
    given(pool({ admission: { kind: 'allowlist', agents: ['ann'] } }), joins('ann'))
      .when(updates('owner', { owner: 'ann' }))
      .thenEventData('pool.updated', { owner: 'ann' })
      .when(updates('ann', { capacity: 5 }))
      .thenEvents('pool.updated work')
      .when(updates('owner', { capacity: 5 }))
      .thenRejected('pool_not_found')
      .when(by('ann', { type: 'ClosePool' }))
      .thenEvents('pool.closed work');
  });

  it('not_a_member: to nobody who is not there to take it', () => {
    const absent = by('bob', { type: 'JoinPool', presenceMs: 100 });
    given(pool(), absent)
      .when(updates('owner', { owner: 'zed' }))
      .thenRejected('not_a_member')
      .when(at(100), updates('owner', { owner: 'bob' }))
      .thenRejected('not_a_member')
      .when(updates('_operator', { owner: 'zed' }))
      .thenRejected('not_a_member');
  });

  it('to its owner it may be, and nothing changes', () => {
    given(pool())
      .when(updates('owner', { owner: 'owner' }))
      .thenEvents('pool.updated work');
  });
});

describe('commons', () => {
  it.each<Fields>([{ owner: 'ann' }, { admission: { kind: 'allowlist', agents: [] } }, { capacity: 1 }])(
    'not_allowed: is everybody’s, and stays so (%j)',
    (fields) => {
      given()
        .when(by('_operator', { type: 'UpdatePool', ...fields }, 'commons'))
        .thenRejected('not_allowed', { message: /everyone/ });
    },
  );

  it('has quotas and defaults like any other', () => {
    given()
      .when(
        by(
          '_operator',
          { type: 'UpdatePool', defaults: { maxAttempts: 9 }, quotas: { agentClaims: 5 } },
          'commons',
        ),
      )
      .thenEvents('pool.updated commons');
  });
});

describe('operators end tasks', () => {
  const held = () =>
    given(pool({ operators: ['op'] }), joins('bob'), submits('ann', 't-1'), claims('bob', 't-1'));

  it.each(['op', 'owner', '_operator'])(
    '%s cancels one that is held; the event says by whom and why',
    (who) => {
      held()
        .when(by(who, { type: 'CancelTask', taskId: 't-1', reason: 'recalled' }))
        .thenEvents('task.cancelled t-1')
        .thenEventData('task.cancelled', {
          by: who,
          reason: 'recalled',
          agent: 'bob',
          epoch: 1,
          cause: 'cancelled',
        })
        .thenTask('t-1', { state: 'cancelled', finishedBy: who, reason: 'recalled' })
        .when(reports('bob', 't-1'))
        .thenRejected('claim_lost');
    },
  );

  it.each(['op', 'owner', '_operator'])('%s fails one that is held, for good', (who) => {
    held()
      .when(by(who, { type: 'FailTask', taskId: 't-1', reason: 'broken' }))
      .thenEvents('task.failed t-1')
      .thenEventData('task.failed', { by: who, reason: 'broken', agent: 'bob', epoch: 1, cause: 'failed' })
      .thenTask('t-1', { state: 'failed', finishedBy: who })
      .when(reports('bob', 't-1'))
      .thenRejected('already_final');
  });

  it('by a delegate only where the scope covers it', () => {
    held()
      .given(by('op', { type: 'Delegate', delegateeId: 'del', scope: ['FailTask:t-1'] }))
      .when(by('del', { type: 'CancelTask', taskId: 't-1', onBehalfOf: 'op' }))
      .thenRejected('scope_exceeded')
      .when(by('del', { type: 'FailTask', taskId: 't-1', reason: 'r', onBehalfOf: 'op' }))
      .thenEvents('task.failed t-1')
      .thenEventData('task.failed', { by: 'op' });
  });

  it('also when the pool is at its rate', () => {
    given(pool({ operators: ['op'], quotas: { poolDecisionsPerS: 1 } }), submits('ann', 't-1'))
      .when(submits('ann', 't-3'))
      .thenRejected('rate_limited')
      .when(by('op', { type: 'CancelTask', taskId: 't-1' }))
      .thenEvents('task.cancelled t-1');
  });
});
