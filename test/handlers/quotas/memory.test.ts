/** Bounds of memory: what agents can fill a shard with is counted, refused beyond its bound, and never what frees it. */
import { describe, expect, it } from 'vitest';
import { memoryBounds } from '../../../src/protocol/memory.ts';
import { DEFAULT_SETTINGS, settingsSchema } from '../../../src/protocol/settings.ts';
import {
  by,
  claims,
  given,
  joins,
  pool,
  reports,
  type Scenario,
  START,
  submits,
  sweep,
} from '../scenario.ts';

const settings = (fields: object) => sweep({ settings: settingsSchema.parse(fields) });
/** The shard as a whole is full, and nobody's own quota is. */
const FULL = { shardBytes: 1, agentShardBytes: 1e9, agentBytes: 1e9, poolBytes: 1e9 };
const large = (who: string, taskId: string, bytes = 10_000) =>
  submits(who, taskId, { inputs: 'x'.repeat(bytes) });
const pressure = (on: boolean) => ({ ...sweep(), body: { type: 'Pressure' as const, on } });

const opens = (who: string, id: string) => ({
  task: submits(who, id, { inputs: 'x'.repeat(3_000) }),
  vote: by(who, {
    type: 'OpenVote',
    voteId: id,
    question: 'x'.repeat(3_000),
    options: ['x', 'y'],
    method: 'plurality',
    closesAt: START + 9_000,
    electorate: ['ann', 'zoe'],
  }),
  auction: by(who, {
    type: 'OpenAuction',
    auctionId: id,
    kind: 'english',
    closesAt: START + 9_000,
    lot: 'x'.repeat(3_000),
  }),
  negotiation: by(who, {
    type: 'OpenNegotiation',
    sessionId: id,
    participants: [who, 'zoe'],
    proposal: 'x'.repeat(3_000),
  }),
  delegation: by(who, { type: 'Delegate', id, delegateeId: 'zoe', scope: [`Vote:${'v'.repeat(60)}`] }),
  membership: by(who, { type: 'JoinPool', capabilities: [id.repeat(10)] }),
});
const KINDS = Object.keys(opens('ann', 'e')) as (keyof ReturnType<typeof opens>)[];

/** Everything that `ann` can leave lying about, and what is left of it when it has ended. */
describe('4.1 whatever an agent creates counts while it lives', () => {
  it.each(KINDS)('a %s: in the pool and in the shard, against the agent', (kind) => {
    const scenario = given(pool());
    const before = scenario.world.bytes;
    scenario.given(opens('ann', 'e-1')[kind]);
    const added = scenario.world.bytes - before;
    expect(added).toBeGreaterThan(400);
    expect(scenario.world.usage.bytes.of('ann')).toBeGreaterThan(400);
    expect(scenario.world.pool('work')?.usage.bytes.of('ann')).toBe(scenario.world.usage.bytes.of('ann'));
  });

  it('a pool: in the shard, against its owner, and its bans, operators and allowlist', () => {
    const scenario = given();
    const before = scenario.world.bytes;
    scenario.given(pool());
    const small = scenario.world.bytes - before;
    expect(small).toBeGreaterThan(4_096);
    expect(scenario.world.usage.bytes.of('owner')).toBe(small);
    const agents = Array.from({ length: 100 }, (_, i) => `agent-${i}`);
    scenario.given(by('owner', { type: 'CreatePool', admission: { kind: 'allowlist', agents } }, 'listed'));
    expect(scenario.world.bytes - before).toBeGreaterThan(2 * small + 2_000);
    const unbanned = scenario.world.bytes;
    scenario.given(by('owner', { type: 'BanAgent', agentId: 'mallory' }));
    expect(scenario.world.bytes).toBeGreaterThan(unbanned);
  });

  it('a bid counts against the bidder, an offer against who makes it, not against who opened', () => {
    const scenario = given(pool(), opens('ann', 'e-1').auction, opens('ann', 'e-2').negotiation);
    const opener = scenario.world.usage.bytes.of('ann');
    const bid = (content: string) =>
      by('bob', { type: 'SubmitBid', auctionId: 'e-1', amount: String(content.length), content });
    scenario.given(bid('x'.repeat(100)));
    const once = scenario.world.usage.bytes.of('bob');
    expect(once).toBeGreaterThan(100);
    scenario.given(by('zoe', { type: 'Propose', sessionId: 'e-2', content: 'x'.repeat(900) }));
    expect(scenario.world.usage.bytes.of('zoe')).toBeGreaterThan(900);
    expect(scenario.world.usage.bytes.of('ann')).toBe(opener);
    scenario.given(by('ann', { type: 'CancelAuction', auctionId: 'e-1' }));
    expect(scenario.world.usage.bytes.of('bob')).toBe(0);
  });

  it('what a holder writes on a task counts against the holder, and goes with the claim', () => {
    const scenario = given(pool(), joins('bob'), submits('ann', 't-1'), claims('bob', 't-1'));
    const submitter = scenario.world.usage.bytes.of('ann');
    const holder = scenario.world.usage.bytes.of('bob');
    scenario.given(by('bob', { type: 'RenewClaim', taskId: 't-1', note: 'x'.repeat(2_000) }));
    expect(scenario.world.usage.bytes.of('bob')).toBeGreaterThan(holder + 1_500);
    expect(scenario.world.usage.bytes.of('ann')).toBe(submitter);
    scenario.given(by('bob', { type: 'ReleaseTask', taskId: 't-1' }));
    expect(scenario.world.usage.bytes.of('bob')).toBe(holder);
  });

  it('what is rejected, taken back, or ended leaves nothing', () => {
    const scenario = given(pool());
    const before = [scenario.world.bytes, scenario.world.usage.bytes.all()];
    const fails = by('ann', {
      type: 'Batch',
      atomic: true,
      decisions: [
        { type: 'SubmitTask', taskId: 't-1', objective: 'x', topic: 'maps' },
        { type: 'CancelTask', taskId: 'none' },
      ],
    });
    scenario.when(fails).thenRejected('task_not_found');
    expect([scenario.world.bytes, scenario.world.usage.bytes.all()]).toEqual(before);
    scenario.given(
      submits('ann', 't-1', { topic: 'maps' }),
      by('ann', { type: 'CancelTask', taskId: 't-1' }),
    );
    expect([scenario.world.bytes, scenario.world.usage.bytes.all()]).toEqual(before);
  });
});

describe('4.2 beyond a bound', () => {
  const filled = (fields: object): Scenario =>
    given(pool(), joins('bob'), large('ann', 't-1'), claims('bob', 't-1')).given(settings(fields));

  it.each([
    ['agentBytes', 15_000, /ann has \d+ bytes in pool work/],
    ['agentShardBytes', 15_000, /ann has \d+ bytes in shard 0/],
    ['poolBytes', 15_000, /pool work is full/],
    ['shardBytes', 30_000, /shard 0 is full/],
  ])(
    '%s: rate_limited with the quota, its limit and what is used, and a sentence',
    (quota, limit, message) => {
      const scenario = filled({ ...FULL, shardBytes: 1e9, [quota]: limit }).when(large('ann', 't-2'));
      scenario.thenRejected('rate_limited', { transient: true, message });
      expect(scenario.answer.data).toMatchObject({ quota, limit, retryAfterMs: 1_000 });
      const { used } = Object(scenario.answer.data);
      expect(used).toBeGreaterThan(10_000);
      expect(used).toBeLessThanOrEqual(limit);
    },
  );

  it.each(KINDS)('a %s is refused when the shard is full', (kind) => {
    filled(FULL)
      .when(opens('cyd', 'e-1')[kind])
      .thenRejected('rate_limited', { message: /shard 0 is full/ });
  });

  it('a pool is refused when the shard is full, and when its owner has as many as one agent may', () => {
    filled(FULL)
      .when(by('cyd', { type: 'CreatePool' }, 'other'))
      .thenRejected('rate_limited', { message: /shard 0 is full/ });
    const scenario = given(settings({ agentPools: 2 }));
    scenario.given(by('cyd', { type: 'CreatePool' }, 'p-1'), by('cyd', { type: 'CreatePool' }, 'p-2'));
    scenario
      .when(by('cyd', { type: 'CreatePool' }, 'p-3'))
      .thenRejected('rate_limited', { message: /cyd owns 2 pools/ });
    expect(scenario.answer.data).toEqual({ quota: 'agentPools', limit: 2, used: 2, retryAfterMs: 1_000 });
    scenario.given(by('dan', { type: 'CreatePool' }, 'p-3'));
  });

  it('the quota of one agent over the shard counts all of its pools', () => {
    given(pool(), settings({ agentShardBytes: 20_000 }), large('ann', 't-1'))
      .given(by('owner', { type: 'CreatePool' }, 'other'))
      .when(
        by('ann', { type: 'SubmitTask', taskId: 't-1', objective: 'x', inputs: 'x'.repeat(10_000) }, 'other'),
      )
      .thenRejected('rate_limited', { message: /in shard 0/ });
  });

  it('what frees memory passes, and operators pass, whatever is full', () => {
    const scenario = given(
      pool(),
      joins('bob'),
      large('ann', 't-1'),
      large('ann', 't-2'),
      large('ann', 't-3'),
    )
      .given(claims('bob', 't-1'), claims('bob', 't-2'))
      .given(
        opens('ann', 'v').vote,
        opens('ann', 'a').auction,
        opens('ann', 's').negotiation,
        opens('ann', 'd').delegation,
      )
      .given(settings(FULL), pressure(true));
    scenario.given(
      by('bob', { type: 'RenewClaim', taskId: 't-1', note: 'half' }),
      by('ann', { type: 'Vote', voteId: 'v', option: 'x' }),
      reports('bob', 't-1'),
      by('bob', { type: 'FailTask', taskId: 't-2', reason: 'no', retryable: false }),
      by('ann', { type: 'CancelTask', taskId: 't-3' }),
      by('zoe', { type: 'AcceptProposal', sessionId: 's', proposalId: 'p-1' }),
      by('ann', { type: 'CloseVote', voteId: 'v' }),
      by('ann', { type: 'CancelAuction', auctionId: 'a' }),
      by('ann', { type: 'RevokeDelegation', delegationId: 'd' }),
      by('owner', { type: 'UpdatePool', quotas: { agentBytes: 5 }, operators: ['olga'] }),
      by('owner', { type: 'BanAgent', agentId: 'mallory' }),
      by('bob', { type: 'LeavePool' }),
      by('owner', { type: 'ClosePool' }),
    );
  });

  it('one member of a Batch that is too much is taken back alone, and together with the rest when all or none is asked', () => {
    const members = [
      { type: 'SubmitTask' as const, taskId: 'small', objective: 'x' },
      { type: 'SubmitTask' as const, taskId: 'large', objective: 'x', inputs: 'x'.repeat(10_000) },
      { type: 'SubmitTask' as const, taskId: 'last', objective: 'x' },
    ];
    given(pool(), settings({ agentBytes: 5_000 }))
      .when(by('ann', { type: 'Batch', atomic: true, decisions: members }))
      .thenRejected('rate_limited', { message: /decisions\[1\]/ });
    given(pool(), settings({ agentBytes: 5_000 }))
      .when(by('ann', { type: 'Batch', decisions: members }))
      .thenEvents('task.submitted small', 'task.submitted last');
  });
});

describe('4.3 pressure', () => {
  it.each(KINDS)('a %s is refused while it is on, and accepted when it is over', (kind) => {
    const scenario = given(pool(), pressure(true))
      .when(opens('ann', 'e-1')[kind])
      .thenRejected('rate_limited', { transient: true, message: /short of memory/ });
    expect(scenario.answer.data).toMatchObject({ quota: 'pressure' });
    scenario.given(pressure(false), opens('ann', 'e-1')[kind]);
  });

  it('survives a Sweep with settings, and says what it is', () => {
    const scenario = given(pool()).when(pressure(true));
    expect(scenario.answer.data).toMatchObject({ on: true, bytes: scenario.world.bytes });
    scenario.given(settings({})).when(submits('ann', 't-1')).thenRejected('rate_limited');
  });

  it('agents cannot say it', () => {
    given(pool())
      .when({ ...pressure(true), agent: 'ann' })
      .thenRejected('reserved_id');
  });
});

describe('4.1 bounds that nobody has set', () => {
  it('follow from the heap of the worker that a shard heard of first', () => {
    const scenario = given(sweep({ settings: DEFAULT_SETTINGS, heapBytes: 400_000_000 }));
    expect(memoryBounds(scenario.world.settings)).toEqual({
      shardBytes: 120_000_000,
      poolBytes: 90_000_000,
      agentShardBytes: 60_000_000,
      agentBytes: 60_000_000,
      endedBytes: 480_000_000,
    });
    scenario.given(sweep({ settings: DEFAULT_SETTINGS, heapBytes: 4_000_000_000 }));
    expect(memoryBounds(scenario.world.settings).shardBytes).toBe(120_000_000);
    scenario.given(settings({ shardBytes: 1_000_000 }));
    expect(memoryBounds(scenario.world.settings)).toMatchObject({
      shardBytes: 1_000_000,
      agentBytes: 500_000,
    });
  });

  it('hold for a small heap before any was heard of', () => {
    expect(memoryBounds(DEFAULT_SETTINGS).agentShardBytes).toBeLessThan(100_000_000);
  });
});
