import { describe, expect, it } from 'vitest';
import { endedPages } from '../ended-pages.ts';
import { at, by, claims, given, joins, pool, reports, START, settle, submits, sweep } from '../scenario.ts';

const closes = (agent: string) => by(agent, { type: 'ClosePool' });

describe('ClosePool', () => {
  it('is the owner’s to decide', () => {
    const scenario = given(pool(), at(7)).when(closes('owner')).thenEvents('pool.closed work');
    expect(scenario.pool()).toMatchObject({ state: 'closed', closedAt: START + 7 });
  });

  it('not_allowed for anyone else, members included', () => {
    given(pool(), joins('bob')).when(closes('bob')).thenRejected('not_allowed', { transient: false });
  });

  it('pool_closed when it is closed already', () => {
    given(pool(), closes('owner')).when(closes('owner')).thenRejected('pool_closed');
  });

  it('pool_closed: no new tasks, joins or claims', () => {
    given(pool(), joins('bob'), submits('ann', 't-1'), closes('owner'))
      .when(submits('ann', 't-2'))
      .thenRejected('pool_closed')
      .when(joins('cyd'))
      .thenRejected('pool_closed')
      .when(claims('bob', 't-1'))
      .thenRejected('pool_closed')
      .when(by('bob', { type: 'ClaimNextTask' }))
      .thenRejected('pool_closed');
  });

  it('work that was under way can be renewed and reported; what is given back is cancelled with the pool', () => {
    const ids = ['t-1', 't-2', 't-3', 't-4'];
    given(pool(), joins('bob'), ...ids.map((id) => submits('ann', id)))
      .given(...ids.map((id) => claims('bob', id)), closes('owner'))
      .when(by('bob', { type: 'RenewClaim', taskId: 't-1' }))
      .thenEvents('task.renewed t-1')
      .when(reports('bob', 't-1'))
      .thenEvents('task.completed t-1')
      .when(by('bob', { type: 'ReleaseTask', taskId: 't-2' }))
      .thenEvents('task.released t-2', 'task.cancelled t-2')
      .thenTask('t-2', { cause: 'pool_closed', finishedBy: '_system' })
      .when(by('bob', { type: 'FailTask', taskId: 't-3', reason: '' }))
      .thenEvents('task.retried t-3', 'task.cancelled t-3')
      .when(by('ann', { type: 'CancelTask', taskId: 't-4' }))
      .thenEvents('task.cancelled t-4');
  });
});

describe('a closed pool', () => {
  const DAY = 24 * 60 * 60_000;

  it('is removed a retention after it closed, when it holds no task; its members leave with it', () => {
    const scenario = given(pool(), joins('cyd'), joins('bob'), closes('owner'))
      .when(at(DAY - 1), sweep())
      .thenEvents()
      .when(at(DAY), sweep())
      .thenEvents('member.left bob', 'member.left cyd', 'pool.removed work')
      .thenData({ removedPools: 1, more: false });
    expect(scenario.pool()).toBeUndefined();
    expect(scenario.world.nextDue()).toBeUndefined();
  });

  it('stays while somebody holds a task of it', () => {
    given(pool(), joins('bob'), submits('ann', 't-1'), claims('bob', 't-1', 3 * DAY), closes('owner'))
      .when(at(2 * DAY), sweep())
      .thenEvents()
      .thenTask('t-1', { state: 'assigned' });
  });

  it('cancels what nobody holds: pending, blocked, scheduled, or given away by an auction', () => {
    given(pool(), joins('bob'))
      .given(submits('ann', 'held'), claims('bob', 'held'), submits('ann', 'pending'))
      .given(submits('ann', 'blocked', { dependsOn: ['held'] }))
      .given(submits('ann', 'later', { notBefore: START + 50 }), submits('ann', 'lot'))
      .given(
        by('ann', {
          type: 'OpenAuction',
          auctionId: 'a',
          kind: 'english',
          direction: 'forward',
          closesAt: START + 9,
          taskId: 'lot',
        }),
      )
      .when(at(1), closes('owner'))
      .thenEvents(
        'pool.closed work',
        'task.cancelled pending',
        'task.cancelled blocked',
        'task.cancelled later',
        'task.cancelled lot',
        'auction.cancelled a',
      )
      .thenTask('pending', { state: 'cancelled', cause: 'pool_closed', finishedBy: '_system' })
      .thenTask('held', { state: 'assigned' })
      .when(reports('bob', 'held'))
      .thenEvents('task.completed held');
  });

  it('a deadline that had passed before counts as that', () => {
    given(
      pool(),
      submits('ann', 'old', { deadline: START + 5 }),
      submits('ann', 'new', { deadline: START + 9 }),
    )
      .when(at(7), closes('owner'))
      .thenEvents('pool.closed work', 'task.failed old', 'task.cancelled new');
  });

  it('a claim that expires in it is not given to anybody else', () => {
    given(pool(), joins('bob'), submits('ann', 't'), claims('bob', 't', 20), closes('owner'))
      .when(at(30), sweep())
      .thenEvents('task.expired t', 'task.cancelled t')
      .thenTask('t', { state: 'cancelled', cause: 'pool_closed' });
  });

  it('with more tasks than one message settles owes the rest, for which they are over already', () => {
    const scenario = given(pool());
    for (let i = 0; i < 450; i++) scenario.given(submits('ann', `t-${i}`));
    scenario.when(closes('owner'));
    expect(scenario.answer.events).toHaveLength(201);
    scenario.thenTask('t-449', { state: 'pending' });
    scenario.when(by('ann', { type: 'CancelTask', taskId: 't-449' })).thenRejected('already_final');
    scenario.when(by('ann', { type: 'FailTask', taskId: 't-448', reason: '' })).thenRejected('already_final');
    scenario.given(settle()).when(settle());
    expect(scenario.answer.events).toHaveLength(50);
    scenario.thenTask('t-449', { state: 'cancelled', cause: 'pool_closed' });
    expect(scenario.world.owing).toEqual([]);
  });

  it('is removed when what it cancelled has been kept long enough', () => {
    const finals = (...ids: readonly string[]) => ({
      ended: endedPages([['work', ids.map((id) => ({ id: `task/${id}`, at: START }))]]),
    });
    given(pool(), submits('ann', 't'), closes('owner'), at(2 * DAY))
      .given(sweep({}, finals('t')))
      .when(sweep())
      .thenEvents()
      .thenTask('t', undefined);
  });

  it('is not removed when it is open', () => {
    given(pool())
      .when(at(400 * DAY), sweep())
      .thenEvents();
  });

  it('leaves its name free', () => {
    given(pool(), closes('owner'), at(DAY), sweep()).when(pool()).thenEvents('pool.created work');
  });

  it('is removed in pages, so that one sweep settles no more than its limit', () => {
    given(pool(), joins('bob'), joins('cyd'), joins('dan'), closes('owner'), at(DAY))
      .when(sweep({ limit: 2 }))
      .thenEvents('member.left bob', 'member.left cyd')
      .thenData({ more: true, removedPools: 0 })
      .when(sweep({ limit: 2 }))
      .thenEvents('member.left dan', 'pool.removed work')
      .thenData({ more: false, removedPools: 1 });
  });
});
