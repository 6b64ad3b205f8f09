import { describe, expect, it } from 'vitest';
import { at, by, claims, given, joins, pool, START, submits, sweep } from '../scenario.ts';

describe('JoinPool', () => {
  it('makes a member with its capabilities, sorted and without repeats', () => {
    const scenario = given(pool(), at(5))
      .when(joins('bob', 'rust', 'gpu', 'rust'))
      .thenEvents('member.joined bob')
      .thenData({ capabilities: ['gpu', 'rust'] });
    expect(scenario.member('bob')).toEqual({
      pool: 'work',
      agent: 'bob',
      capabilities: ['gpu', 'rust'],
      joinedAt: START + 5,
      order: scenario.seq * 101,
    });
  });

  it('joining again updates capabilities and keeps the time of joining and the claims', () => {
    given(pool(), joins('bob', 'rust'), submits('ann', 't-1'), claims('bob', 't-1'), at(5))
      .when(joins('bob', 'gpu'))
      .thenEvents('member.updated bob')
      .thenMember('bob', { capabilities: ['gpu'], joinedAt: START })
      .thenTask('t-1', { state: 'assigned', claim: { agent: 'bob' } });
  });

  it('what is left out when joining again stays as it was', () => {
    given(pool(), by('bob', { type: 'JoinPool', capabilities: ['rust'], presenceMs: 100 }), at(50))
      .when(by('bob', { type: 'JoinPool' }))
      .thenEvents('member.updated bob')
      .thenMember('bob', { capabilities: ['rust'], presenceMs: 100, lastSeenAt: START + 50 })
      .when(by('bob', { type: 'JoinPool', presenceMs: 30 }))
      .thenMember('bob', { capabilities: ['rust'], presenceMs: 30 });
  });

  it('an empty list when joining again takes all capabilities away', () => {
    given(pool(), joins('bob', 'rust'))
      .when(by('bob', { type: 'JoinPool', capabilities: [] }))
      .thenMember('bob', { capabilities: [] });
  });

  it('who is inside needs no token to update what it can do', () => {
    const admission = { kind: 'token', sha256: 'a'.repeat(64) } as const;
    given(pool({ admission: { kind: 'allowlist', agents: ['bob'] } }), joins('bob'))
      .when(joins('bob', 'rust'))
      .thenEvents('member.updated bob');
    given(pool({ admission })).when(joins('bob', 'rust')).thenRejected('pool_not_found');
  });

  it('pool_full, transient: the capacity counts members, and a place that becomes free is taken', () => {
    given(pool({ capacity: 2 }), joins('bob'), joins('cyd'))
      .when(joins('dan'))
      .thenRejected('pool_full', { transient: true })
      .when(joins('bob', 'more'))
      .thenEvents('member.updated bob')
      .given(by('cyd', { type: 'LeavePool' }))
      .when(joins('dan'))
      .thenEvents('member.joined dan');
  });

  it('pool_not_found comes before pool_full: a stranger does not learn how full the pool is', () => {
    given(pool({ capacity: 1, admission: { kind: 'allowlist', agents: ['bob'] } }), joins('bob'))
      .when(joins('eve'))
      .thenRejected('pool_not_found');
  });

  it('rate_limited, transient: no pool takes more members than the settings say', () => {
    given(sweep({ settings: { maxMembersPerPool: 1 } }), pool(), joins('bob'))
      .when(joins('cyd'))
      .thenRejected('rate_limited', { transient: true });
  });

  it('who comes back after a lapse takes its own place, be the pool as full as any may be', () => {
    given(sweep({ settings: { maxMembersPerPool: 2 } }), pool({ capacity: 2 }), joins('bob'))
      .given(by('cyd', { type: 'JoinPool', presenceMs: 10 }))
      .when(at(10), joins('cyd'))
      .thenEvents('member.expired cyd', 'member.joined cyd');
  });

  it('pool_closed: a closed pool takes nobody, and updates nobody', () => {
    given(pool(), joins('bob'), by('owner', { type: 'ClosePool' }))
      .when(joins('cyd'))
      .thenRejected('pool_closed', { transient: false })
      .when(joins('bob', 'rust'))
      .thenRejected('pool_closed');
  });
});
