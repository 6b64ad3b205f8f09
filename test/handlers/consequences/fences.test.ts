/** RELIABILITY 1.2: who leaves, is removed or banned loses at once what it holds; what follows is told in bounded steps. */
import { describe, expect, it } from 'vitest';
import { MAX_EFFECT_BYTES } from '../../../src/protocol/limits.ts';
import { OPERATOR, SHARD_POOL } from '../../../src/protocol/names.ts';
import type { Body } from '../message.ts';
import {
  at,
  by,
  claims,
  given,
  joins,
  pool,
  reports,
  type Scenario,
  START,
  settle,
  submits,
  sweep,
} from '../scenario.ts';

const leaves = (agent: string) => by(agent, { type: 'LeavePool' });
const removes = (agentId: string) => by('owner', { type: 'RemoveMember', agentId });
const bans = (agentId: string) => by('owner', { type: 'BanAgent', agentId });
const everywhere = (type: 'BanAgent' | 'UnbanAgent', agentId: string) =>
  by(OPERATOR, { type, agentId }, SHARD_POOL);
const batch = (agent: string, ...decisions: readonly object[]) =>
  by(agent, { type: 'Batch', decisions } as Body);
/** So that what a decision voids is still to be told after it. */
const tellingOne = sweep({ settings: { consequencesAtOnce: 1 } });

/** `bob` holds so many tasks of a pool, each as large as stated. */
function holding(count: number, inputs = '', where = 'work'): Scenario {
  const scenario = given(by('owner', { type: 'CreatePool' }, where), by('bob', { type: 'JoinPool' }, where));
  hold(scenario, count, inputs, where);
  return scenario;
}

function hold(scenario: Scenario, count: number, inputs = '', where = 'work'): void {
  for (let i = 0; i < count; i++) {
    const task = { type: 'SubmitTask' as const, taskId: `t${i}`, objective: '', inputs };
    scenario.given(by('ann', task, where));
  }
  for (let left = count; left > 0; ) {
    scenario.given(by('bob', { type: 'ClaimNextTask', limit: Math.min(left, 100) }, where));
    const { tasks } = Object(scenario.answer.data) as { tasks?: readonly unknown[] };
    left -= tasks?.length ?? 100;
    if (tasks === undefined) left = count - (scenario.world.pool(where)?.heldCount('bob') ?? 0);
  }
}

/** Settles until nothing is owed; what is owed falls with each, and each stays within its bytes. */
function settleAll(scenario: Scenario): number {
  for (let settles = 0; ; settles++) {
    const before = scenario.world.pool('work')?.void.size ?? 0;
    if (scenario.world.owingPools === 0) return settles;
    scenario.when(settle());
    expect(scenario.world.pool('work')?.void.size ?? 0).toBeLessThan(before);
    expect(JSON.stringify(scenario.answer.events).length).toBeLessThan(MAX_EFFECT_BYTES);
  }
}

describe('1.2: the end of a stay is true at once', () => {
  it('LeavePool, JoinPool and ReportTask under the old claim: claim_lost, told or not', () => {
    for (const stepped of [tellingOne, sweep()]) {
      given(stepped, pool(), joins('bob'), submits('ann', 't-1'), submits('ann', 't-2'))
        .given(claims('bob', 't-1'), claims('bob', 't-2'), leaves('bob'), joins('bob'))
        .when(reports('bob', 't-2'))
        .thenRejected('claim_lost');
    }
  });

  it('the same inside one Batch, where a claim made after the joining counts', () => {
    const scenario = given(tellingOne, pool(), joins('bob'));
    for (const id of ['t-1', 't-2', 't-3']) scenario.given(submits('ann', id), claims('bob', id));
    scenario
      .given(submits('ann', 't-4'))
      .when(
        batch(
          'bob',
          { type: 'LeavePool' },
          { type: 'JoinPool' },
          { type: 'ReportTask', taskId: 't-3', result: 1 },
          { type: 'ClaimTask', taskId: 't-4' },
          { type: 'ReportTask', taskId: 't-4', result: 1 },
        ),
      );
    const { outcomes } = Object(scenario.answer.data);
    expect(outcomes.map(({ code, status }: Record<string, unknown>) => code ?? status)).toEqual([
      'accepted',
      'accepted',
      'claim_lost',
      'accepted',
      'accepted',
    ]);
    settleAll(scenario);
    scenario.thenTask('t-4', { state: 'completed' }).thenTask('t-3', { state: 'pending' });
  });

  it('a void claim is for others to take before it is told, and its end is told first', () => {
    given(tellingOne, pool(), joins('bob'), joins('cyd'), submits('ann', 't-1'), submits('ann', 't-2'))
      .given(claims('bob', 't-1'), claims('bob', 't-2'), leaves('bob'))
      .when(claims('cyd', 't-2'))
      .thenEvents('task.released t-2', 'task.claimed t-2')
      .thenTask('t-2', { claim: { agent: 'cyd', epoch: 2 } });
  });

  it('ClaimNextTask finds the best of them, however many are not told', () => {
    const scenario = given(tellingOne, pool(), joins('bob'), joins('cyd'));
    for (let i = 0; i < 150; i++) scenario.given(submits('ann', `t${i}`, { priority: i }));
    scenario
      .given(by('bob', { type: 'ClaimNextTask', limit: 100 }), leaves('bob'))
      .when(by('cyd', { type: 'ClaimNextTask' }))
      .thenEvents('task.released t149', 'task.claimed t149');
  });

  it('void claims count in no limit', () => {
    given(
      tellingOne,
      pool({ maxClaimsPerAgent: 2 }),
      joins('bob'),
      submits('ann', 't-1'),
      submits('ann', 't-2'),
    )
      .given(submits('ann', 't-3'), claims('bob', 't-1'), claims('bob', 't-2'), leaves('bob'), joins('bob'))
      .given(claims('bob', 't-3'), claims('bob', 't-2'))
      .when(claims('bob', 't-1'))
      .thenRejected('claim_limit_reached');
  });

  it('what had expired by then ends as expired, what had not as released, however late it is told', () => {
    const scenario = given(tellingOne, pool(), joins('bob'));
    for (const id of ['t-0', 't-1', 't-2']) scenario.given(submits('ann', id));
    scenario.given(claims('bob', 't-0', 50), claims('bob', 't-1', 10), claims('bob', 't-2', 60), at(20));
    scenario.given(leaves('bob'), at(100), sweep(), settle(), settle());
    scenario
      .thenTask('t-1', { state: 'pending', expiries: 1 })
      .thenTask('t-2', { state: 'pending', expiries: 0 })
      .thenTask('t-0', { state: 'pending', expiries: 0 });
  });

  it('a thing ends by the first fence after it: who left and was banned since then has left', () => {
    const scenario = given(tellingOne, pool(), joins('bob'), submits('ann', 't-1'), submits('ann', 't-2'));
    scenario.given(claims('bob', 't-1'), claims('bob', 't-2'), leaves('bob'), joins('bob'));
    scenario.given(submits('ann', 't-3'), claims('bob', 't-3'), bans('bob'));
    expect(scenario.world.marks.of('work', 'bob')).toHaveLength(2);
    scenario.when(settle()).thenEventData('task.released', { why: 'left' });
    scenario.when(settle()).thenEventData('task.released', { why: 'banned' });
    expect(scenario.world.marks.isEmpty).toBe(true);
  });

  it('an unban revives nothing, of one pool and of all', () => {
    for (const [ban, unban] of [
      [bans('bob'), by('owner', { type: 'UnbanAgent', agentId: 'bob' })],
      [everywhere('BanAgent', 'bob'), everywhere('UnbanAgent', 'bob')],
    ] as const) {
      const scenario = given(tellingOne, pool(), joins('bob'), submits('ann', 't-1'), submits('ann', 't-2'));
      scenario.given(claims('bob', 't-1'), claims('bob', 't-2'), ban, unban);
      scenario.when(by('bob', { type: 'Heartbeat' })).thenRejected('not_a_member');
      scenario.when(leaves('bob')).thenRejected('not_a_member');
      scenario.when(reports('bob', 't-2')).thenRejected('claim_lost');
      scenario.given(joins('bob')).when(reports('bob', 't-2')).thenRejected('claim_lost');
      scenario.given(claims('bob', 't-2'), settle(), settle(), settle());
      scenario.thenTask('t-2', { claim: { agent: 'bob', epoch: 2 } }).thenMember('bob', { agent: 'bob' });
    }
  });

  it('a void membership takes no place, and is asked by no vote', () => {
    const scenario = given(tellingOne, pool({ capacity: 1 }), joins('bob'));
    scenario.given(by('owner', { type: 'CreatePool' }, 'a'), by('bob', { type: 'JoinPool' }, 'a'));
    scenario.given(everywhere('BanAgent', 'bob'));
    expect(scenario.world.pool('work')?.members.has('bob')).toBe(true);
    scenario
      .when(
        by('ann', {
          type: 'OpenVote',
          voteId: 'v',
          question: '?',
          method: 'plurality',
          options: ['a', 'b'],
          closesAt: START + 9,
        }),
      )
      .thenRejected('invalid_decision');
    scenario.when(joins('cyd')).thenEvents('member.joined cyd');
  });

  it('a bid is void with the stay in which it was made: who comes back can win only by a new one', () => {
    const scenario = given(tellingOne, pool(), joins('bob'), joins('cyd'), submits('ann', 't-1'));
    const auction = { type: 'OpenAuction', auctionId: 'a', taskId: 't-1', closesAt: START + 50 } as const;
    scenario.given(
      by('ann', { ...auction, kind: 'first_price_sealed', direction: 'forward' }),
      by('bob', { type: 'SubmitBid', auctionId: 'a', amount: 9 }),
      by('cyd', { type: 'SubmitBid', auctionId: 'a', amount: 5 }),
      leaves('bob'),
      joins('bob'),
    );
    scenario.when(at(50), sweep()).thenEventData('auction.awarded', { winner: 'cyd', passedOver: ['bob'] });
  });
});

describe('1.3: it is told in bounded steps', () => {
  it.each([
    ['LeavePool', leaves('bob')],
    ['RemoveMember', removes('bob')],
    ['BanAgent in a pool', bans('bob')],
    ['BanAgent everywhere', everywhere('BanAgent', 'bob')],
  ])('%s of an agent with 1,000 claims is one decision', { timeout: 120_000 }, (_name, ends) => {
    const scenario = holding(1_000).when(ends);
    expect(scenario.answer.status).toBe('accepted');
    expect(scenario.answer.events.length).toBeLessThanOrEqual(202);
    expect(settleAll(scenario)).toBeLessThanOrEqual(5);
    expect(scenario.world.pool('work')?.claims).toBe(0);
    expect(scenario.world.marks.isEmpty).toBe(true);
    scenario.thenTask('t999', { state: 'pending' });
  });

  it('BanAgent everywhere of an agent with 3,000 claims in three pools', { timeout: 120_000 }, () => {
    const scenario = given();
    for (const where of ['a', 'b', 'work']) {
      scenario.given(by('owner', { type: 'CreatePool' }, where), by('bob', { type: 'JoinPool' }, where));
      hold(scenario, 1_000, '', where);
    }
    scenario.when(everywhere('BanAgent', 'bob')).thenData({ released: 3_000, pools: 3 });
    for (let settles = 0; scenario.world.owingPools > 0; settles++) {
      expect(settles).toBeLessThan(16);
      scenario.given(settle());
    }
    for (const where of ['a', 'b', 'work']) expect(scenario.world.pool(where)?.claims).toBe(0);
  });

  it('LeavePool with 100 claims of 64 KiB tasks stays within the bytes of a message', {
    timeout: 120_000,
  }, () => {
    const scenario = holding(100, 'x'.repeat(64 * 1024)).when(leaves('bob'));
    expect(scenario.answer.data).toMatchObject({ count: 100 });
    expect(scenario.answer.events.length).toBeLessThan(64);
    expect(settleAll(scenario)).toBeLessThanOrEqual(4);
  });

  it('the mark keeps who set it, when and why', () => {
    const scenario = given(tellingOne, pool(), joins('bob'), submits('ann', 't-1'), submits('ann', 't-2'));
    scenario.given(claims('bob', 't-1'), claims('bob', 't-2'), removes('bob'));
    expect(scenario.world.marks.all()).toEqual([
      [
        'work/bob',
        [expect.objectContaining({ actor: 'owner', why: 'removed', at: START, place: 101 * scenario.seq })],
      ],
    ]);
  });
});

describe('1.5: an atomic Batch', () => {
  it('that fails leaves no mark, and owes nothing', () => {
    const scenario = given(tellingOne, pool(), joins('bob'), submits('ann', 't-1'), claims('bob', 't-1'));
    const decisions = [
      { type: 'LeavePool' as const },
      { type: 'ReportTask' as const, taskId: 'no', result: 1 },
    ];
    scenario.when(by('bob', { type: 'Batch', atomic: true, decisions })).thenRejected('task_not_found');
    expect(scenario.world.marks.isEmpty).toBe(true);
    scenario.when(reports('bob', 't-1')).thenEvents('task.completed t-1');
  });

  it('a member that is taken back takes back its mark alone', () => {
    const scenario = given(tellingOne, pool(), joins('bob'), submits('ann', 't-1'), submits('ann', 't-2'));
    scenario.given(claims('bob', 't-1'), claims('bob', 't-2'));
    const decisions = [
      { type: 'RemoveMember' as const, agentId: 'bob' },
      { type: 'RemoveMember' as const, agentId: 'bob' },
    ];
    scenario.when(by('owner', { type: 'Batch', decisions }));
    expect(scenario.world.marks.of('work', 'bob')).toHaveLength(1);
  });
});
