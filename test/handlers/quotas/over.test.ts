/**
 * What time has ended counts in no limit, whether or not a sweep has met it: with any sweeps, or none, each decision gets
 * the same answer. All is judged by the time of the log.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SHARD_POOL, SWEEPER } from '../../../src/protocol/names.ts';
import { settingsSchema } from '../../../src/protocol/settings.ts';
import { type Body, START } from '../message.ts';
import { type LogEntry, Shard } from '../properties/shard.ts';
import { at, by, given, pool, type Scenario, type Step, settle, submits, sweep } from '../scenario.ts';

const POOL = 'work';
const settings = (fields: object) => sweep({ settings: settingsSchema.parse(fields) });
const END = START + 100;

const OPENS: Readonly<Record<string, (id: string, closesAt: number) => Body>> = {
  auctions: (auctionId, closesAt) => ({
    type: 'OpenAuction',
    auctionId,
    kind: 'english',
    lot: 'x',
    closesAt,
  }),
  votes: (voteId, closesAt) => ({
    type: 'OpenVote',
    voteId,
    question: '?',
    options: ['a', 'b'],
    method: 'plurality',
    electorate: ['ann'],
    closesAt,
  }),
  sessions: (sessionId, deadline) => ({
    type: 'OpenNegotiation',
    sessionId,
    participants: ['ann', 'bob'],
    proposal: 1,
    deadline,
  }),
};
const QUOTAS = [
  ['auctions', 'agentAuctions'],
  ['auctions', 'poolAuctions'],
  ['votes', 'agentVotes'],
  ['votes', 'poolVotes'],
  ['sessions', 'agentSessions'],
  ['sessions', 'poolSessions'],
] as const;
const opens = (kind: string, id: string, closesAt = END): Step =>
  by('ann', OPENS[kind]?.(id, closesAt) ?? { type: 'Heartbeat' });
/** What is refused until it is over, and passes from then on. */
const thenOver = (scenario: Scenario, again: (id: string) => Step, steps: readonly Step[]): Scenario =>
  scenario
    .when(at(99), again('x-1'))
    .thenRejected('rate_limited', { transient: true })
    .given(at(100), ...steps, again('x-2'))
    .when(again('x-3'))
    .thenRejected('rate_limited');

describe.each([
  ['unswept', []],
  ['swept', [sweep()]],
])('%s', (_, swept) => {
  it.each(QUOTAS)('%s: %s counts what is open by its time', (kind, quota) => {
    const again = (id: string) => opens(kind, id, START + 10_000);
    const scenario = thenOver(given(pool({ quotas: { [quota]: 1 } }), opens(kind, 'x-0')), again, swept);
    expect(scenario.answer.data).toMatchObject({ quota, limit: 1, used: 1 });
  });

  it('an auction is over with its task', () => {
    const open = (auctionId: string, taskId: string): Step =>
      by('ann', { type: 'OpenAuction', auctionId, kind: 'english', taskId, closesAt: START + 10_000 });
    const quotas = { poolAuctions: 1 };
    given(
      pool({ quotas }),
      submits('ann', 't-1', { deadline: END }),
      submits('ann', 't-2'),
      submits('ann', 't-3'),
      open('x-0', 't-1'),
    )
      .when(at(99), open('x-1', 't-2'))
      .thenRejected('rate_limited')
      .given(at(100), ...swept, open('x-2', 't-2'))
      .when(open('x-3', 't-3'))
      .thenRejected('rate_limited');
  });

  it('an auction that has closed counts no more, though its winner has not started', () => {
    const open = (auctionId: string, taskId: string, closesAt: number): Step =>
      by('ann', { type: 'OpenAuction', auctionId, kind: 'english', taskId, closesAt });
    given(
      pool({ quotas: { poolAuctions: 1 } }),
      by('bob', { type: 'JoinPool' }),
      submits('ann', 't-1'),
      submits('ann', 't-2'),
      open('x-0', 't-1', END),
      by('bob', { type: 'SubmitBid', auctionId: 'x-0', amount: '5' }),
    )
      .when(at(99), open('x-1', 't-2', START + 10_000))
      .thenRejected('rate_limited')
      .when(at(100), ...swept, open('x-2', 't-2', START + 10_000))
      .thenEvents('auction.opened x-2', 'task.reserved t-2');
  });

  it('an auction that waits for the end of a pause has not closed', () => {
    const open = (auctionId: string, taskId: string): Step =>
      by('ann', { type: 'OpenAuction', auctionId, kind: 'english', taskId, closesAt: END });
    given(
      pool({ quotas: { poolAuctions: 1 } }),
      submits('ann', 't-1'),
      submits('ann', 't-2'),
      open('x-0', 't-1'),
      by('owner', { type: 'PausePool' }),
      at(200),
      ...swept,
      by('owner', { type: 'ResumePool' }),
      ...swept,
    )
      .when(opens('auctions', 'x-1', START + 10_000))
      .thenEvents('auction.opened x-1');
  });

  it('unfinished tasks of a pool', () => {
    const scenario = given(
      settings({ maxLiveTasksPerPool: 2 }),
      pool(),
      submits('ann', 't-0', { deadline: END }),
    ).given(
      by('bob', { type: 'JoinPool' }),
      submits('ann', 't-1', { constraints: { maxExpiries: 1 } }),
      by('bob', { type: 'ClaimTask', taskId: 't-1', claimTtlMs: 150 }),
    );
    thenOver(scenario, (id) => submits('ann', id), swept)
      .when(at(149), submits('ann', 't-9'))
      .thenRejected('rate_limited')
      .when(at(150), ...swept, submits('ann', 't-9'))
      .thenEvents('task.submitted t-9');
  });

  it('members of a pool', () => {
    given(settings({ maxMembersPerPool: 1 }), pool(), by('bob', { type: 'JoinPool', presenceMs: 100 }))
      .when(at(99), by('ann', { type: 'JoinPool' }))
      .thenRejected('rate_limited')
      .given(at(100), ...swept, by('ann', { type: 'JoinPool' }))
      .when(by('cyd', { type: 'JoinPool' }))
      .thenRejected('rate_limited');
  });

  it('delegations: those that expired, and what rests on them', () => {
    const delegate = (from: string, delegateeId: string, fields: object = {}): Step =>
      by(from, { type: 'Delegate', delegateeId, scope: ['votes', 'delegations'], ...fields });
    const scenario = given(
      pool(),
      ...['ann', 'bob', 'cyd', 'dan'].map((agent) => by(agent, { type: 'JoinPool' })),
      delegate('ann', 'bob', { expiresAt: END }),
      by('bob', { type: 'Delegate', delegateeId: 'cyd', scope: ['Vote'], onBehalfOf: 'ann' }),
      delegate('dan', 'cyd'),
    );
    const live = (now: number) => scenario.world.pool(POOL)?.delegations.liveCountAt(now);
    expect([live(START + 99), live(END)]).toEqual([3, 1]);
    scenario.given(at(100), ...swept, settle());
    expect(live(END)).toBe(1);
  });
});

interface Said {
  readonly agent: string;
  readonly kind: 'auctions' | 'votes' | 'sessions' | 'task' | 'join' | 'beat';
  readonly lasts: number;
  readonly later: number;
}

const said: fc.Arbitrary<Said> = fc.record({
  agent: fc.constantFrom('ann', 'bob', 'cyd'),
  kind: fc.constantFrom('auctions', 'votes', 'sessions', 'task', 'join', 'beat'),
  lasts: fc.integer({ min: 1, max: 60 }),
  later: fc.integer({ min: 0, max: 20 }),
});

function entriesOf(all: readonly Said[]): LogEntry[] {
  let now = START;
  return all.map(({ agent, kind, lasts, later }, i) => {
    now += later;
    const id = `x-${i}`;
    const bodyOf = (): Body => {
      switch (kind) {
        case 'task':
          return { type: 'SubmitTask', taskId: id, objective: '', deadline: now + lasts };
        case 'join':
          return { type: 'JoinPool', presenceMs: lasts };
        case 'beat':
          return { type: 'Heartbeat' };
        default:
          return OPENS[kind]?.(id, now + lasts) ?? { type: 'Heartbeat' };
      }
    };
    return { agent, pool: POOL, at: now, body: { ...bodyOf(), id } };
  });
}

const BEGINNING: readonly LogEntry[] = [
  {
    agent: SWEEPER,
    pool: SHARD_POOL,
    at: START,
    body: {
      type: 'Sweep',
      id: 'first',
      settings: settingsSchema.parse({ maxLiveTasksPerPool: 2, maxMembersPerPool: 2 }),
    },
  },
  {
    agent: 'owner',
    pool: POOL,
    at: START,
    body: {
      type: 'CreatePool',
      id: 'pool',
      quotas: {
        ...{ agentAuctions: 1, poolAuctions: 2, agentVotes: 1, poolVotes: 2 },
        ...{ agentSessions: 1, poolSessions: 2 },
      },
    },
  },
];

function answers(log: readonly LogEntry[], swept: readonly boolean[]): string[] {
  const shard = new Shard();
  for (const entry of BEGINNING) expect(shard.apply(entry).applied.status).toBe('accepted');
  return log.map((entry, i) => {
    if (swept[i] === true)
      shard.apply({ agent: SWEEPER, pool: SHARD_POOL, at: entry.at, body: { type: 'Sweep', id: `s-${i}` } });
    const { applied } = shard.apply(entry);
    shard.commit();
    return `${entry.body.type} ${applied.code ?? applied.status} ${applied.message ?? ''}`;
  });
}

it('with any sweeps, or none, each decision gets the same answer', () => {
  let refused = 0;
  fc.assert(
    fc.property(
      fc.array(said, { minLength: 30, maxLength: 80, size: 'max' }),
      fc.array(fc.boolean(), { minLength: 80, maxLength: 80 }),
      (all, swept) => {
        const log = entriesOf(all);
        const unswept = answers(log, []);
        refused += unswept.filter((answer) => answer.includes('rate_limited')).length;
        expect(answers(log, swept)).toEqual(unswept);
      },
    ),
    { numRuns: 40 },
  );
  expect(refused).toBeGreaterThan(40);
});
