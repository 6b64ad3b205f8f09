import { describe, it } from 'vitest';
import { at, by, claims, given, joins, pool, reports, submits, sweep } from '../scenario.ts';

const leaves = (agent: string) => by(agent, { type: 'LeavePool' });

describe('LeavePool', () => {
  it('ends the membership', () => {
    given(pool(), joins('bob'))
      .when(leaves('bob'))
      .thenEvents('member.left bob')
      .thenData({ released: [], count: 0 })
      .thenMember('bob', undefined);
  });

  it('held claims go back to pending, in order of submission, once the member is gone', () => {
    given(pool(), joins('bob'), submits('ann', 't-2'), submits('ann', 't-1'), submits('ann', 't-3'))
      .given(claims('bob', 't-1'), claims('bob', 't-3'), claims('bob', 't-2'))
      .when(leaves('bob'))
      .thenEvents('member.left bob', 'task.released t-2', 'task.released t-1', 'task.released t-3')
      .thenData({ released: ['t-2', 't-1', 't-3'], count: 3 })
      .thenTask('t-1', { state: 'pending', epoch: 1, failures: 0, expiries: 0 });
  });

  it('a claim that was given back by leaving is lost', () => {
    given(pool(), joins('bob'), submits('ann', 't-1'), claims('bob', 't-1'), leaves('bob'))
      .when(reports('bob', 't-1'))
      .thenRejected('claim_lost');
  });

  it('a claim that was over when its holder left expired, and counts as that', () => {
    given(pool(), joins('bob'), submits('ann', 't-1'), submits('ann', 't-2'))
      .given(claims('bob', 't-1', 10), claims('bob', 't-2', 11), at(10))
      .when(leaves('bob'))
      .thenEvents('member.left bob', 'task.released t-2')
      .thenData({ released: ['t-2'], count: 1 })
      .when(sweep())
      .thenEvents('task.expired t-1')
      .thenTask('t-1', { state: 'pending', expiries: 1 });
  });

  it('not_a_member for someone who has not joined, or has left', () => {
    given(pool(), joins('bob'))
      .when(leaves('eve'))
      .thenRejected('not_a_member')
      .given(leaves('bob'))
      .when(leaves('bob'))
      .thenRejected('not_a_member');
  });

  it('a closed pool can be left', () => {
    given(pool(), joins('bob'), by('owner', { type: 'ClosePool' }))
      .when(leaves('bob'))
      .thenEvents('member.left bob');
  });

  it('who left can come back', () => {
    given(pool({ capacity: 1 }), joins('bob', 'rust'), leaves('bob'), at(5))
      .when(by('bob', { type: 'JoinPool' }))
      .thenEvents('member.joined bob')
      .thenMember('bob', { capabilities: [] });
  });
});
