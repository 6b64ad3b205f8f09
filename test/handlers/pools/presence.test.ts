import { describe, it } from 'vitest';
import { at, by, claims, given, joins, pool, reports, START, submits, sweep } from '../scenario.ts';

const joinsFor = (agent: string, presenceMs: number) => by(agent, { type: 'JoinPool', presenceMs });
const beats = (agent: string) => by(agent, { type: 'Heartbeat' });

describe('Heartbeat', () => {
  it('keeps the presence and changes nothing else', () => {
    given(pool(), joinsFor('bob', 100), at(60))
      .when(beats('bob'))
      .thenEvents()
      .thenNothingChanged()
      .thenMember('bob', { lastSeenAt: START + 60 });
  });

  it('is accepted from a member that promised no presence', () => {
    given(pool(), joins('bob')).when(beats('bob')).thenEvents().thenNothingChanged();
  });

  it('not_a_member for someone who has not joined', () => {
    given(pool()).when(beats('eve')).thenRejected('not_a_member');
  });
});

describe('presence', () => {
  it('lapses exactly presenceMs after the last word: not 1 ms before', () => {
    given(pool(), joinsFor('bob', 100), at(99)).when(beats('bob')).thenEvents();
    given(pool(), joinsFor('bob', 100), at(100)).when(beats('bob')).thenRejected('not_a_member');
    given(pool(), joinsFor('bob', 100), at(101)).when(beats('bob')).thenRejected('not_a_member');
  });

  it('any decision counts as a sign of life, also one that is rejected', () => {
    given(pool(), joinsFor('bob', 100), at(90))
      .when(reports('bob', 'unknown'))
      .thenRejected('task_not_found')
      .when(at(180), beats('bob'))
      .thenEvents();
  });

  it('what is said in another pool is no sign of life in this one', () => {
    given(pool(), joinsFor('bob', 100), at(90), by('bob', { type: 'Heartbeat' }, 'commons'))
      .when(at(100), beats('bob'))
      .thenRejected('not_a_member');
  });

  it('a word that comes too late does not bring a lapsed member back', () => {
    given(pool(), joinsFor('bob', 100), at(100))
      .when(beats('bob'))
      .thenRejected('not_a_member')
      .when(beats('bob'))
      .thenRejected('not_a_member')
      .thenMember('bob', { lastSeenAt: START });
  });

  it('the sweep removes a lapsed member and gives its claims back', () => {
    given(pool(), joinsFor('bob', 100), submits('ann', 't-1'), claims('bob', 't-1'))
      .when(at(99), sweep())
      .thenEvents()
      .when(at(100), sweep())
      .thenEvents('member.expired bob', 'task.released t-1')
      .thenEventData('task.released', { agent: 'bob', epoch: 1, why: 'absent' })
      .thenEventData('member.expired', { lastSeenAt: START })
      .thenData({
        released: [{ pool: 'work', taskId: 't-1', agent: 'bob', epoch: 1 }],
        expiredMembers: [{ pool: 'work', agent: 'bob' }],
      })
      .thenTask('t-1', { state: 'pending', expiries: 0 })
      .thenMember('bob', undefined);
  });

  it('without the sweep: a lapsed member holds nothing and can claim, submit and report nothing', () => {
    given(pool({ submitters: 'members' }), joins('ann'), joinsFor('bob', 100))
      .given(submits('ann', 't-1'), submits('ann', 't-2'), claims('bob', 't-1'), at(100))
      .when(reports('bob', 't-1'))
      .thenRejected('claim_lost')
      .when(claims('bob', 't-2'))
      .thenRejected('not_a_member')
      .when(by('bob', { type: 'ClaimNextTask' }))
      .thenRejected('not_a_member')
      .when(submits('bob', 't-3'))
      .thenRejected('not_a_member')
      .when(by('bob', { type: 'LeavePool' }))
      .thenRejected('not_a_member');
  });

  it('without the sweep: a task of a lapsed member is anyone else’s to claim', () => {
    given(pool(), joinsFor('bob', 100), joins('cyd'), submits('ann', 't-1'), claims('bob', 't-1'), at(100))
      .when(claims('cyd', 't-1'))
      .thenEvents('task.released t-1', 'task.claimed t-1')
      .thenTask('t-1', { claim: { agent: 'cyd', epoch: 2 }, expiries: 0 });
  });

  it('without the sweep: ClaimNextTask finds the tasks of a lapsed member', () => {
    given(pool(), joinsFor('bob', 100), joins('cyd'), submits('ann', 't-1'), claims('bob', 't-1'), at(100))
      .when(by('cyd', { type: 'ClaimNextTask' }))
      .thenEvents('task.released t-1', 'task.claimed t-1')
      .thenTask('t-1', { claim: { agent: 'cyd', epoch: 2 } });
  });

  it('without the sweep: joining again ends the old membership first, and with it its claims', () => {
    given(pool({ capacity: 1 }), joinsFor('bob', 100), submits('ann', 't-1'), claims('bob', 't-1'), at(100))
      .when(joins('bob', 'rust'))
      .thenEvents('member.expired bob', 'member.joined bob', 'task.released t-1')
      .thenMember('bob', { joinedAt: START + 100, capabilities: ['rust'] });
  });

  it('without the sweep: the place of a lapsed member is free for another', () => {
    given(pool({ capacity: 2 }), joins('ann'), joinsFor('bob', 100), at(99))
      .when(joins('cyd'))
      .thenRejected('pool_full')
      .when(at(100), joins('cyd'))
      .thenEvents('member.joined cyd')
      .when(joins('dan'))
      .thenRejected('pool_full')
      .when(joins('bob'))
      .thenRejected('pool_full');
  });

  it('what ended first counts: a claim that expired before its holder fell silent expired', () => {
    const claimed = given(pool(), joinsFor('bob', 100), joins('cyd'), submits('ann', 't-1'));
    claimed
      .given(claims('bob', 't-1', 60))
      .when(at(100), sweep())
      .thenEvents('task.expired t-1', 'member.expired bob');
  });

  it('a claim that expires in the very moment in which its holder falls silent expired', () => {
    const setUp = () =>
      given(
        pool(),
        joinsFor('bob', 100),
        joins('cyd'),
        submits('ann', 't-1'),
        claims('bob', 't-1', 100),
        at(100),
      );
    setUp().when(sweep()).thenEvents('member.expired bob', 'task.expired t-1');
    setUp().when(claims('cyd', 't-1')).thenEvents('task.expired t-1', 'task.claimed t-1');
  });

  it('what ended first counts: a holder that fell silent before its claim expired was absent', () => {
    const setUp = () =>
      given(
        pool(),
        joinsFor('bob', 100),
        joins('cyd'),
        submits('ann', 't-1'),
        claims('bob', 't-1', 150),
        at(200),
      );
    setUp().when(sweep()).thenEvents('member.expired bob', 'task.released t-1');
    setUp().when(claims('cyd', 't-1')).thenEvents('task.released t-1', 'task.claimed t-1');
    setUp().when(joins('bob')).thenEvents('member.expired bob', 'member.joined bob', 'task.released t-1');
  });
});
