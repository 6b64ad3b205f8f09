import { describe, expect, it } from 'vitest';
import { MAX_BANS } from '../../../src/protocol/limits.ts';
import { SHARD_POOL } from '../../../src/protocol/names.ts';
import { at, by, claims, given, joins, pool, reports, START, settle, submits, sweep } from '../scenario.ts';

const bans = (who: string, agentId: string) => by(who, { type: 'BanAgent', agentId });
const unbans = (who: string, agentId: string) => by(who, { type: 'UnbanAgent', agentId });
const pauses = (who: string) => by(who, { type: 'PausePool', reason: 'repairs' });
const resumes = (who: string) => by(who, { type: 'ResumePool' });
const everywhere = (type: 'BanAgent' | 'UnbanAgent', agentId: string) =>
  by('_operator', { type, agentId }, SHARD_POOL);

describe('UpdatePool', () => {
  it('names operators replaces the previous ones, and none with an empty list', () => {
    const scenario = given(pool({ operators: ['ann'] }))
      .when(by('owner', { type: 'UpdatePool', operators: ['bob'] }))
      .thenEvents('pool.updated work')
      .when(pauses('ann'))
      .thenRejected('not_allowed')
      .when(pauses('bob'))
      .thenEvents('pool.paused work')
      .when(by('owner', { type: 'UpdatePool', operators: [] }))
      .thenEvents('pool.updated work');
    expect(scenario.pool()).not.toHaveProperty('operators');
  });

  it('invalid_decision when it changes nothing', () => {
    given(pool())
      .when(by('owner', { type: 'UpdatePool' }))
      .thenRejected('invalid_decision');
  });
});

describe('a paused pool', () => {
  const paused = () =>
    given(
      pool(),
      joins('bob'),
      submits('ann', 't-1'),
      submits('ann', 't-2'),
      claims('bob', 't-1'),
      pauses('owner'),
    );

  it('takes nothing new: pool_paused, which passes', () => {
    paused()
      .when(submits('ann', 't-3'))
      .thenRejected('pool_paused', { transient: true })
      .when(claims('bob', 't-2'))
      .thenRejected('pool_paused', { transient: true })
      .when(by('bob', { type: 'ClaimNextTask' }))
      .thenRejected('pool_paused', { transient: true })
      .when(
        by('ann', {
          type: 'OpenAuction',
          auctionId: 'a',
          kind: 'english',
          direction: 'forward',
          closesAt: START + 9,
        }),
      )
      .thenRejected('pool_paused')
      .when(
        by('ann', {
          type: 'OpenVote',
          voteId: 'v',
          question: '',
          options: ['x', 'y'],
          method: 'plurality',
          closesAt: START + 9,
        }),
      )
      .thenRejected('pool_paused')
      .when(by('ann', { type: 'OpenNegotiation', sessionId: 's', participants: ['ann', 'bob'], proposal: 1 }))
      .thenRejected('pool_paused');
  });

  it('lets what is under way end, and agents come and go', () => {
    paused()
      .when(by('bob', { type: 'RenewClaim', taskId: 't-1' }))
      .thenEvents('task.renewed t-1')
      .when(reports('bob', 't-1'))
      .thenEvents('task.completed t-1')
      .when(joins('cyd'))
      .thenEvents('member.joined cyd')
      .when(by('ann', { type: 'CancelTask', taskId: 't-2' }))
      .thenEvents('task.cancelled t-2');
  });

  it('takes bids as before, but none for a task: the best of those becomes a claim', () => {
    const auction = {
      type: 'OpenAuction',
      kind: 'english',
      direction: 'forward',
      closesAt: START + 9,
    } as const;
    given(pool(), joins('bob'), submits('ann', 't-1'))
      .given(
        by('ann', { ...auction, auctionId: 'lot' }),
        by('ann', { ...auction, auctionId: 'task', taskId: 't-1' }),
        pauses('owner'),
      )
      .when(by('bob', { type: 'SubmitBid', auctionId: 'lot', amount: 1 }))
      .thenEvents('auction.bid_placed lot')
      .when(by('bob', { type: 'SubmitBid', auctionId: 'task', amount: 1 }))
      .thenRejected('pool_paused');
  });

  it('is paused once, and resumed once', () => {
    const scenario = paused()
      .when(pauses('owner'))
      .thenRejected('pool_paused')
      .when(resumes('owner'))
      .thenEvents('pool.resumed work')
      .when(resumes('owner'))
      .thenRejected('not_paused', { transient: false })
      .when(claims('bob', 't-2'))
      .thenEvents('task.claimed t-2');
    expect(scenario.pool()).not.toHaveProperty('pausedAt');
  });
});

describe('ForceRelease', () => {
  const held = () => given(pool(), joins('bob'), submits('ann', 't-1'), claims('bob', 't-1', 1_000));

  it('gives the task back, and counts neither as failure nor as expiry', () => {
    held()
      .when(by('owner', { type: 'ForceRelease', taskId: 't-1', reason: 'stuck' }))
      .thenEvents('task.released t-1')
      .thenEventData('task.released', { agent: 'bob', epoch: 1, why: 'forced', reason: 'stuck' })
      .thenTask('t-1', { state: 'pending', failures: 0, expiries: 0, epoch: 1 })
      .when(reports('bob', 't-1'))
      .thenRejected('claim_lost');
  });

  it('claim_lost when nobody holds it, or another claim than the one that is meant', () => {
    held()
      .when(by('owner', { type: 'ForceRelease', taskId: 't-1', epoch: 2 }))
      .thenRejected('claim_lost')
      .when(at(1_000), by('owner', { type: 'ForceRelease', taskId: 't-1' }))
      .thenRejected('claim_lost');
  });

  it('already_final, task_not_found', () => {
    held()
      .when(reports('bob', 't-1'), by('owner', { type: 'ForceRelease', taskId: 't-1' }))
      .thenRejected('already_final')
      .when(by('owner', { type: 'ForceRelease', taskId: 'none' }))
      .thenRejected('task_not_found');
  });
});

describe('RemoveMember', () => {
  it('ends the membership and its claims; the agent may join again', () => {
    given(pool(), joins('bob'), submits('ann', 't-1'), claims('bob', 't-1'))
      .when(by('owner', { type: 'RemoveMember', agentId: 'bob', reason: 'idle' }))
      .thenEvents('member.removed bob', 'task.released t-1')
      .thenEventData('member.removed', { why: 'removed', reason: 'idle' })
      .thenData({ released: ['t-1'] })
      .when(joins('bob'))
      .thenEvents('member.joined bob');
  });

  it('not_a_member', () => {
    given(pool())
      .when(by('owner', { type: 'RemoveMember', agentId: 'bob' }))
      .thenRejected('not_a_member');
  });
});

describe('BanAgent', () => {
  const working = () =>
    given(pool(), joins('bob'), submits('bob', 't-0'), submits('ann', 't-1'), claims('bob', 't-1'));

  it('releases the claims, ends the membership and accepts nothing more of the agent', () => {
    working()
      .when(bans('owner', 'bob'))
      .thenEvents('member.removed bob', 'agent.banned bob', 'task.released t-1')
      .thenEventData('task.released', { why: 'banned' })
      .thenData({ released: ['t-1'] })
      .thenTask('t-0', { state: 'pending' })
      .when(reports('bob', 't-1'))
      .thenRejected('agent_banned', { transient: false })
      .when(joins('bob'))
      .thenRejected('agent_banned')
      .when(by('bob', { type: 'CancelTask', taskId: 't-0' }))
      .thenRejected('agent_banned')
      .when(by('bob', { type: 'Heartbeat' }))
      .thenRejected('agent_banned');
  });

  it('holds for a Batch as a whole, and for what others decide in its name', () => {
    working()
      .given(by('bob', { type: 'Delegate', delegateeId: 'ann', scope: ['CancelTask'] }), bans('owner', 'bob'))
      .when(by('bob', { type: 'Batch', decisions: [{ type: 'Heartbeat' }] }))
      .thenRejected('agent_banned')
      .when(by('ann', { type: 'CancelTask', taskId: 't-0', onBehalfOf: 'bob' }))
      .thenRejected('agent_banned', { message: /bob/ });
  });

  it('concerns one pool only, and ends with UnbanAgent', () => {
    const scenario = working()
      .given(by('owner', { type: 'CreatePool' }, 'other'), bans('owner', 'bob'))
      .when(by('bob', { type: 'JoinPool' }, 'other'))
      .thenEvents('member.joined bob')
      .when(bans('owner', 'bob'))
      .thenRejected('already_banned')
      .when(unbans('owner', 'bob'))
      .thenEvents('agent.unbanned bob')
      .when(unbans('owner', 'bob'))
      .thenRejected('not_banned')
      .when(joins('bob'))
      .thenEvents('member.joined bob');
    expect(scenario.pool()).not.toHaveProperty('banned');
  });

  it('in commons, where everyone is a member, the banned one is none', () => {
    given(by('ann', { type: 'SubmitTask', taskId: 't', objective: '' }, 'commons'))
      .given(by('bob', { type: 'ClaimTask', taskId: 't' }, 'commons'))
      .when(by('_operator', { type: 'BanAgent', agentId: 'bob' }, 'commons'))
      .thenEvents('agent.banned bob', 'task.released t')
      .when(by('bob', { type: 'ClaimTask', taskId: 't' }, 'commons'))
      .thenRejected('agent_banned');
  });

  it('an auction goes to the next bidder: nobody wins who is banned by the close', () => {
    given(pool())
      .given(
        by('ann', {
          type: 'OpenAuction',
          auctionId: 'a',
          kind: 'first_price_sealed',
          direction: 'forward',
          closesAt: START + 9,
        }),
        by('bob', { type: 'SubmitBid', auctionId: 'a', amount: 9 }),
        by('cyd', { type: 'SubmitBid', auctionId: 'a', amount: 5 }),
        bans('owner', 'bob'),
      )
      .when(by('ann', { type: 'CloseAuction', auctionId: 'a' }))
      .thenData({ auctionId: 'a', state: 'awarded', winner: 'cyd', price: '5' });
  });

  it(`rate_limited: ${MAX_BANS} bans in one pool, until one ends`, () => {
    const scenario = given(pool());
    for (let i = 0; i < MAX_BANS; i++) scenario.given(bans('owner', `a-${i}`));
    scenario
      .when(bans('owner', 'more'))
      .thenRejected('rate_limited', { transient: true })
      .when(unbans('owner', 'a-0'), bans('owner', 'more'))
      .thenEvents('agent.banned more');
  });
});

describe('BanAgent on a shard as a whole', () => {
  const inTwoPools = () =>
    given(pool(), by('owner', { type: 'CreatePool' }, 'other'), joins('bob')).given(
      by('bob', { type: 'JoinPool' }, 'other'),
      submits('ann', 't-1'),
      claims('bob', 't-1'),
    );

  it('ends what the agent has in every pool, and is told in commons', () => {
    inTwoPools()
      .when(everywhere('BanAgent', 'bob'))
      .thenEvents('agent.banned bob', 'member.removed bob', 'member.removed bob', 'task.released t-1')
      .thenEventData('agent.banned', { everywhere: true })
      .thenData({ released: 1, pools: 2 })
      .when(joins('bob'))
      .thenRejected('agent_banned')
      .when(by('bob', { type: 'CreatePool' }, 'new'))
      .thenRejected('agent_banned')
      .when(by('bob', { type: 'SubmitTask', taskId: 't', objective: '' }, 'commons'))
      .thenRejected('agent_banned')
      .when(everywhere('BanAgent', 'bob'))
      .thenRejected('already_banned');
  });

  it('keeps no list in commons, and ends with UnbanAgent', () => {
    const scenario = inTwoPools().given(everywhere('BanAgent', 'bob'));
    expect(scenario.pool('commons')).not.toHaveProperty('banned');
    scenario
      .when(everywhere('UnbanAgent', 'bob'))
      .thenEvents('agent.unbanned bob')
      .when(joins('bob'))
      .thenEvents('member.joined bob')
      .when(everywhere('UnbanAgent', 'bob'))
      .thenRejected('not_banned');
  });

  it('is one decision, however many memberships it ends', () => {
    const scenario = given();
    for (let i = 0; i < 450; i++) {
      scenario.given(
        by(`owner-${i % 5}`, { type: 'CreatePool' }, `p-${i}`),
        by('bob', { type: 'JoinPool' }, `p-${i}`),
      );
    }
    scenario
      .when(everywhere('BanAgent', 'bob'))
      .thenData({ released: 0, pools: 450 })
      .when(everywhere('BanAgent', 'bob'))
      .thenRejected('already_banned');
    expect(scenario.world.owing).toEqual([{ pool: '*/bob', turn: scenario.seq - 1 }]);
    scenario.given(settle(), settle());
    for (let i = 0; i < 450; i++) expect(scenario.member('bob', `p-${i}`)).toBeUndefined();
    expect(scenario.world.owing).toEqual([]);
    expect(scenario.world.marks.isEmpty).toBe(true);
  });

  it('is the system operators’ alone, and nothing else can be said to a shard', () => {
    given()
      .when(by('_sweeper', { type: 'BanAgent', agentId: 'bob' }, SHARD_POOL))
      .thenRejected('not_allowed')
      .when(by('ann', { type: 'BanAgent', agentId: 'bob' }, SHARD_POOL))
      .thenRejected('reserved_id')
      .when(by('_operator', { type: 'PausePool' }, SHARD_POOL))
      .thenRejected('unknown_type')
      .when(by('_operator', { type: 'BanAgent', agentId: '_sweeper' }, SHARD_POOL))
      .thenRejected('invalid_decision');
  });

  it('does not stop the sweeps', () => {
    given(everywhere('BanAgent', 'bob')).when(sweep()).thenEvents();
  });
});
