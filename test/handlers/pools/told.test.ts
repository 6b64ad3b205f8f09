/** What joining, falling silent and a full pool are told as, to the member and to subscribers. */
import { describe, it } from 'vitest';
import { at, by, claims, given, joins, pool, START, submits, sweep } from '../scenario.ts';

describe('membership', () => {
  it('joining again answers with the capabilities that hold from now on', () => {
    given(pool(), joins('bob', 'a'))
      .when(joins('bob', 'c', 'b', 'c'))
      .thenEvents('member.updated bob')
      .thenData({ capabilities: ['b', 'c'] });
  });

  it('the end of a silent one tells when it was heard from last, not when it joined', () => {
    given(pool(), by('bob', { type: 'JoinPool', presenceMs: 50 }), at(10), by('bob', { type: 'Heartbeat' }))
      .when(at(60), sweep())
      .thenEvents('member.expired bob')
      .thenEventData('member.expired', { lastSeenAt: START + 10 });
  });

  it('pool_full: a task that is overdue makes no room among the members', () => {
    given(pool({ capacity: 1 }), joins('bob'), submits('ann', 't-1'), claims('bob', 't-1', 50))
      .when(at(60), joins('cyd'))
      .thenRejected('pool_full', { transient: true });
  });
});
