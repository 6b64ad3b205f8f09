import { describe, expect, it } from 'vitest';
import { settingsSchema } from '../../../src/protocol/settings.ts';
import { at, by, claims, given, joins, pool, reports, START, submits, sweep } from '../scenario.ts';

const settings = (fields: object) => sweep({ settings: settingsSchema.parse(fields) });
const beats = (agent: string, where?: string) => by(agent, { type: 'Heartbeat' }, where);
const MINUTE = 60_000;

describe('decisions per second', () => {
  const limited = (fields: object) =>
    given(pool(), by('owner', { type: 'CreatePool' }, 'side'), joins('ann'), joins('bob')).given(
      by('ann', { type: 'JoinPool' }, 'side'),
      settings(fields),
    );

  it('rate_limited beyond the burst, with the time after which one more fits', () => {
    const scenario = limited({ agentDecisionsPerS: 10, agentDecisionsBurst: 3 })
      .given(beats('ann'), beats('ann'), beats('ann'))
      .when(beats('ann'))
      .thenRejected('rate_limited', { transient: true, message: /ann/ });
    expect(scenario.answer.data).toEqual({
      quota: 'agentDecisionsPerS',
      limit: 10,
      used: 3,
      retryAfterMs: 100,
    });
    scenario
      .when(at(99), beats('ann'))
      .thenRejected('rate_limited')
      .when(at(100), beats('ann'))
      .thenEvents()
      .when(beats('ann'))
      .thenRejected('rate_limited');
  });

  it('waiting exactly retryAfterMs is enough, and a millisecond less is not, whatever the rate', () => {
    for (const agentDecisionsPerS of [1, 3, 7, 30, 333, 999]) {
      const scenario = limited({ agentDecisionsPerS, agentDecisionsBurst: 1 }).given(beats('ann'));
      const { retryAfterMs } = Object(scenario.when(beats('ann')).answer.data);
      scenario.when(at(retryAfterMs - 1), beats('ann'));
      expect(scenario.answer.status, `${agentDecisionsPerS}/s`).toBe('rejected');
      scenario.when(at(retryAfterMs), beats('ann'));
      expect(scenario.answer.status, `${agentDecisionsPerS}/s`).toBe('accepted');
    }
  });

  it('counts an agent over all pools of the shard, and nobody else with it', () => {
    limited({ agentDecisionsPerS: 1, agentDecisionsBurst: 2 })
      .given(beats('ann'), beats('ann', 'side'))
      .when(beats('ann'))
      .thenRejected('rate_limited')
      .when(by('ann', { type: 'CreatePool' }, 'new'))
      .thenRejected('rate_limited')
      .when(beats('bob'))
      .thenEvents();
  });

  it('counts each member of a Batch, and a Batch beyond the burst fits when the bucket is full', () => {
    const batch = by('ann', { type: 'Batch', decisions: Array(5).fill({ type: 'Heartbeat' }) });
    limited({ agentDecisionsPerS: 10, agentDecisionsBurst: 5 })
      .given(batch)
      .when(at(499), batch)
      .thenRejected('rate_limited')
      .when(at(500), batch);
    limited({ agentDecisionsPerS: 10, agentDecisionsBurst: 2 })
      .given(batch)
      .when(at(199), batch)
      .thenRejected('rate_limited')
      .given(at(200), batch);
  });

  it('counts what is rejected for another reason', () => {
    limited({ agentDecisionsPerS: 1, agentDecisionsBurst: 2 })
      .when(claims('bob', 'none'))
      .thenRejected('task_not_found')
      .when(claims('bob', 'none'))
      .thenRejected('task_not_found')
      .when(claims('bob', 'none'))
      .thenRejected('rate_limited');
  });

  it('of a pool: its own rate, for all together and for each agent in it', () => {
    given(pool({ quotas: { poolDecisionsPerS: 3, agentDecisionsPerS: 2 } }), joins('ann'), joins('bob'))
      .given(at(1_000), beats('ann'), beats('ann'))
      .when(beats('ann'))
      .thenRejected('rate_limited', { message: /ann in pool work/ })
      .given(beats('bob'))
      .when(beats('bob'))
      .thenRejected('rate_limited', { message: /^pool work/ })
      .when(by('ann', { type: 'Heartbeat' }, 'commons'))
      .thenEvents();
  });

  it('a pool can have a smaller rate than the system says, and not a greater one', () => {
    given(pool({ quotas: { poolDecisionsPerS: 100 } }), joins('ann'))
      .given(settings({ poolDecisionsPerS: 1 }), at(1_000), beats('ann'))
      .when(beats('ann'))
      .thenRejected('rate_limited', { message: /1 decisions a second/ });
  });

  it('operators of a flooded pool can act all the same; the same decisions of others count', () => {
    given(pool({ quotas: { poolDecisionsPerS: 1 } }), at(1_000), joins('ann'))
      .when(beats('ann'))
      .thenRejected('rate_limited')
      .when(by('ann', { type: 'PausePool' }))
      .thenRejected('rate_limited')
      .when(by('owner', { type: 'PausePool' }))
      .thenEvents('pool.paused work')
      .when(by('_operator', { type: 'BanAgent', agentId: 'ann' }))
      .thenEvents('member.removed ann', 'agent.banned ann');
  });

  it('a sign of life counts also when it is one too many', () => {
    given(pool({ quotas: { agentDecisionsPerS: 1 } }))
      .given(by('ann', { type: 'JoinPool', presenceMs: 100 }))
      .when(at(50), beats('ann'))
      .thenRejected('rate_limited')
      .thenMember('ann', { lastSeenAt: START + 50 });
  });

  it('buckets that are full again go with a Sweep, a minute later', () => {
    const { world } = limited({ agentDecisionsPerS: 2 }).given(beats('ann'), beats('bob'));
    expect(world.buckets.all()).toEqual([
      ['agent/ann', (START + 500) * 1_000],
      ['agent/bob', (START + 500) * 1_000],
    ]);
    const scenario = limited({ agentDecisionsPerS: 2 }).given(beats('ann'), beats('bob'));
    scenario.given(at(MINUTE + 499), sweep());
    expect(scenario.world.buckets.size).toBe(2);
    scenario.given(at(MINUTE + 500), sweep());
    expect(scenario.world.buckets.size).toBe(0);
  });
});

describe('live claims', () => {
  const three = (quotas: object) =>
    given(
      pool({ quotas }),
      joins('ann'),
      joins('bob'),
      ...['t-1', 't-2', 't-3'].map((id) => submits('owner', id)),
    );

  it('of one agent', () => {
    three({ agentClaims: 1 })
      .given(claims('ann', 't-1'))
      .when(claims('ann', 't-2'))
      .thenRejected('rate_limited', { transient: true })
      .when(by('ann', { type: 'ClaimNextTask' }))
      .thenRejected('rate_limited')
      .when(claims('bob', 't-2'))
      .thenEvents('task.claimed t-2')
      .when(reports('ann', 't-1'), claims('ann', 't-3'))
      .thenEvents('task.claimed t-3');
  });

  it('of all together; ClaimNextTask claims as many as are left', () => {
    three({ poolClaims: 2 })
      .when(by('ann', { type: 'ClaimNextTask', limit: 3 }))
      .thenEvents('task.claimed t-1', 'task.claimed t-2')
      .when(claims('bob', 't-3'))
      .thenRejected('rate_limited');
  });

  it.each(['agentClaims', 'poolClaims'])(
    '%s counts a claim until it is over, whether or not a sweep has met it',
    (quota) => {
      for (const swept of [[], [sweep()]]) {
        three({ [quota]: 1 })
          .given(by('ann', { type: 'ClaimTask', taskId: 't-1', claimTtlMs: 100 }))
          .when(at(99), claims('ann', 't-2'))
          .thenRejected('rate_limited')
          .given(at(100), ...swept)
          .when(claims('ann', 't-2'))
          .thenEvents('task.claimed t-2')
          .when(claims('ann', 't-3'))
          .thenRejected('rate_limited');
      }
    },
  );

  it('counts no claim of a holder that fell silent', () => {
    three({ poolClaims: 1 })
      .given(by('bob', { type: 'JoinPool', presenceMs: 1_000 }), claims('bob', 't-1'))
      .when(at(999), claims('ann', 't-2'))
      .thenRejected('rate_limited')
      .when(at(1_000), claims('ann', 't-2'))
      .thenEvents('task.claimed t-2');
  });

  it('of the whole system, where a pool says more', () => {
    three({ agentClaims: 3 })
      .given(settings({ agentClaims: 1 }), claims('ann', 't-1'))
      .when(claims('ann', 't-2'))
      .thenRejected('rate_limited');
  });
});

describe('open auctions, votes and sessions', () => {
  const closesAt = START + 1_000;
  const auction = (who: string, auctionId: string) =>
    by(who, { type: 'OpenAuction', auctionId, kind: 'english', direction: 'forward', closesAt });
  const vote = (who: string, voteId: string) =>
    by(who, {
      type: 'OpenVote',
      voteId,
      question: '',
      options: ['x', 'y'],
      method: 'plurality',
      closesAt,
      electorate: ['ann'],
    });
  const session = (who: string, sessionId: string) =>
    by(who, { type: 'OpenNegotiation', sessionId, participants: [who, 'cyd'], proposal: 1 });

  it.each([
    ['Auctions', auction],
    ['Votes', vote],
    ['Sessions', session],
  ] as const)('%s: of one agent, and of all together', (name, opens) => {
    given(pool({ quotas: { [`agent${name}`]: 1, [`pool${name}`]: 2 } }))
      .given(opens('ann', 'e-1'))
      .when(opens('ann', 'e-2'))
      .thenRejected('rate_limited', { transient: true, message: /ann has 1 open/ })
      .given(opens('bob', 'e-2'))
      .when(opens('cat', 'e-3'))
      .thenRejected('rate_limited', { message: /all agents together/ });
  });

  it('what has ended makes room', () => {
    given(pool({ quotas: { agentAuctions: 1, agentVotes: 1 } }))
      .given(auction('ann', 'a-1'), vote('ann', 'v-1'))
      .given(
        by('ann', { type: 'CancelAuction', auctionId: 'a-1' }),
        by('ann', { type: 'CloseVote', voteId: 'v-1' }),
      )
      .given(auction('ann', 'a-2'), vote('ann', 'v-2'));
  });
});

describe('bytes', () => {
  const big = (who: string, taskId: string, bytes: number) =>
    submits(who, taskId, { inputs: 'x'.repeat(bytes) });

  it('of one agent, of what has not ended', () => {
    given(pool({ quotas: { agentBytes: 12_000 } }), joins('bob'))
      .given(big('ann', 't-1', 6_000))
      .when(big('ann', 't-2', 6_000))
      .thenRejected('rate_limited', { transient: true, message: /the quota agentBytes is 12000/ })
      .given(big('bob', 't-2', 6_000))
      .when(by('ann', { type: 'CancelTask', taskId: 't-1' }), big('ann', 't-3', 6_000))
      .thenEvents('task.submitted t-3');
  });

  it('of all together', () => {
    given(pool({ quotas: { poolBytes: 12_000 } }), big('ann', 't-1', 6_000))
      .when(big('bob', 't-2', 6_000))
      .thenRejected('rate_limited', { message: /pool work is full/ });
  });

  it('counts also what was there when it began to be limited', () => {
    given(pool(), big('ann', 't-1', 6_000))
      .given(by('owner', { type: 'UpdatePool', quotas: { agentBytes: 12_000 } }))
      .when(big('ann', 't-2', 6_000))
      .thenRejected('rate_limited')
      .given(by('owner', { type: 'UpdatePool', quotas: {} }), big('ann', 't-2', 6_000));
  });

  it('exactly as much as the quota says fits', () => {
    const { usage } = given(pool(), big('ann', 't-1', 1_000)).world.pool('work') ?? {};
    const rest = (usage?.bytes.total ?? Number.NaN) - 1_000;
    given(pool({ quotas: { poolBytes: 10_000 } })).given(big('ann', 't-1', 10_000 - rest));
    given(pool({ quotas: { poolBytes: 10_000 } }))
      .when(big('ann', 't-1', 10_001 - rest))
      .thenRejected('rate_limited');
  });
});
