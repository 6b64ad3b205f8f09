/**
 * Random logs of every type of decision: a few agents, pools, tasks and other things, so that they get in each other's way, and
 * time that goes on in small steps. What is decided is drawn from one table for all (`verify/kit/decisions`), each
 * decision by a seed of its own: a log that fails becomes shorter by leaving decisions out.
 */
import fc from 'fast-check';
import { OPERATOR, SHARD_POOL, SWEEPER } from '../../../src/protocol/names.ts';
import { Random } from '../../../verify/kit/chance/random.ts';
import { drawDecision, type Shares, type Weights, weighing } from '../../../verify/kit/decisions/draw.ts';
import type { Kind, Scene } from '../../../verify/kit/decisions/scene.ts';
import { START } from '../message.ts';
import type { LogEntry } from './shard.ts';

export const AGENTS = ['ann', 'bob', 'cyd'] as const;
/** A minute of it finds more: raise it when the handlers change. */
export const RUNS = { numRuns: 15 };
const TASKS = ['t-1', 't-2', 't-3', 't-4'] as const;
const OPTIONS = ['red', 'green', '2'] as const;

interface Said {
  readonly type: string;
  readonly [member: string]: unknown;
}

const agent = fc.constantFrom(...AGENTS);
const pool = fc.oneof(
  { weight: 8, arbitrary: fc.constant('work') },
  { weight: 1, arbitrary: fc.constantFrom('commons', 'side') },
);
const perhaps = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/** Removes members that are undefined: what was left out is not there. */
function stated<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return JSON.parse(JSON.stringify(fields));
}

/** About pools and tasks. */
const ALONE: Weights = {
  CreatePool: 1,
  JoinPool: 3,
  LeavePool: 1,
  Heartbeat: 2,
  SubmitTask: 6,
  ClaimTask: 6,
  ClaimNextTask: 6,
  RenewClaim: 5,
  ReleaseTask: 3,
  ReportTask: 8,
  FailTask: 5,
  CancelTask: 1,
  UpdatePool: 0.5,
  PausePool: 0.2,
  ResumePool: 0.4,
  ForceRelease: 0.5,
  RemoveMember: 0.2,
  BanAgent: 0.7,
  UnbanAgent: 0.5,
};

/** What agents decide together. */
const TOGETHER: Weights = {
  StandBy: 6,
  StandDown: 1,
  OpenAuction: 3,
  SubmitBid: 9,
  CloseAuction: 1,
  CancelAuction: 1,
  ExtendAuction: 1,
  OpenVote: 2,
  Vote: 8,
  CloseVote: 1,
  OpenNegotiation: 2,
  Propose: 3,
  AcceptProposal: 6,
  RejectProposal: 1,
  Delegate: 4,
  RevokeDelegation: 2,
};

const BY_OPERATORS = weighing({
  UpdatePool: 1,
  PausePool: 0.4,
  ResumePool: 0.7,
  ForceRelease: 1,
  RemoveMember: 0.3,
  BanAgent: 1,
  UnbanAgent: 0.7,
});

const KNOWN: Readonly<Record<Exclude<Kind, 'delegation'>, readonly [string, ...string[]]>> = {
  task: TASKS,
  auction: ['a-1', 'a-2'],
  vote: ['v-1', 'v-2'],
  negotiation: ['n-1', 'n-2'],
};

function sceneOf(random: Random, now: number, step: Pick<RandomStep, 'agent' | 'pool'>): Scene {
  return {
    ...step,
    random,
    now,
    agents: AGENTS,
    labels: ['gpu', 'rust'],
    options: OPTIONS,
    // Soon enough that it comes while the log lasts.
    lasts: () => (random.chance(0.85) ? random.between(30, 300) : random.between(1, 30)),
    name: (kind) => random.pick(KNOWN[kind]),
    known: (kind) => (kind === 'delegation' ? idOf(random, random.integer(30)) : random.pick(KNOWN[kind])),
    held: () => undefined,
  };
}

/** Mostly by its place in the log; some are said again as something else. */
function idOf(random: Random, place: number): string {
  return random.chance(0.5) ? `d-${place}` : `g-${random.between(1, 3)}`;
}

/** Small, so that they matter among a few agents and tasks. */
const few = fc.integer({ min: 1, max: 3 });
const quotas = fc
  .record({
    agentDecisionsPerS: perhaps(fc.constantFrom(20, 100, 300)),
    agentDecisionsBurst: perhaps(few),
    poolDecisionsPerS: perhaps(fc.constantFrom(50, 200)),
    poolDecisionsBurst: perhaps(fc.integer({ min: 1, max: 6 })),
    agentClaims: perhaps(few),
    poolClaims: perhaps(few),
    agentBytes: perhaps(fc.constantFrom(16, 32, 64)),
    poolBytes: perhaps(fc.constantFrom(32, 64)),
  })
  .map(stated);

/** How long to keep things: short, so that it matters. */
const settings = fc
  .record({
    finalRetentionMs: perhaps(fc.integer({ min: 10, max: 200 })),
    finalRetentionCount: perhaps(fc.integer({ min: 1, max: 4 })),
    outcomeRetentionMs: perhaps(fc.integer({ min: 10, max: 200 })),
    endedBytes: perhaps(fc.integer({ min: 1, max: 12_000 })),
    consequencesAtOnce: perhaps(few),
    maxLiveTasksPerPool: perhaps(fc.integer({ min: 2, max: 5 })),
    quotas,
  })
  .map(({ quotas: ofSystem, ...rest }) => stated({ ...rest, ...ofSystem }));

const sweep = fc
  .record({
    limit: perhaps(fc.integer({ min: 1, max: 4 })),
    until: perhaps(fc.integer({ min: 0, max: 60 })),
    settings: seldom(settings),
  })
  .map(
    ({ until, ...fields }) =>
      (now: number): Said => ({
        type: 'Sweep',
        ...stated(fields),
        ...(until === undefined ? {} : { until: now - until }),
      }),
  );

interface RandomStep {
  readonly agent: string;
  readonly pool: string;
  readonly advanceMs: number;
  readonly body: (now: number) => Said & { readonly id?: string };
}

/** Log time stands still as often as it goes on, and sometimes takes a leap. */
const advanceMs = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 8 }) },
  { weight: 1, arbitrary: fc.integer({ min: 20, max: 120 }) },
);

const seed = fc.integer({ min: 0, max: 0xffff_ffff });

function drawnBy(
  by: fc.Arbitrary<string>,
  where: fc.Arbitrary<string>,
  shares: Shares,
): fc.Arbitrary<RandomStep> {
  return fc.record({ agent: by, pool: where, advanceMs, seed }).map(({ seed: of, ...step }) => ({
    ...step,
    body: (now) => {
      const random = new Random(of);
      const drawn = drawDecision(sceneOf(random, now, step), shares);
      return drawn.type === 'Delegate' ? { id: idOf(random, 0), ...drawn } : drawn;
    },
  }));
}

const SHARES = { batches: 0.1, onBehalf: 0.08 };
const decided = drawnBy(agent, pool, { ...SHARES, weights: { ...weighing(ALONE), ...TOGETHER } });
const closed = drawnBy(agent, pool, { batches: 0, onBehalf: 0, weights: weighing({ ClosePool: 1 }) });
const swept: fc.Arbitrary<RandomStep> = fc.record({
  agent: fc.constant(SWEEPER),
  pool: fc.constant(SHARD_POOL),
  advanceMs,
  body: sweep,
});

/** The operators of the whole system: in one pool, or over the shard. */
const operatedFromAbove = drawnBy(fc.constant(OPERATOR), pool, {
  batches: 0,
  onBehalf: 0,
  weights: BY_OPERATORS,
});
const bannedFromShard = drawnBy(fc.constant(OPERATOR), fc.constant(SHARD_POOL), {
  batches: 0,
  onBehalf: 0,
  weights: weighing({ BanAgent: 1, UnbanAgent: 2 }),
});

/** Most logs begin with something to decide about, so that not most of what follows is rejected for the lack of it. */
function beginning(): LogEntry[] {
  const closesAt = START + 300;
  const said: [string, Said][] = [
    ['ann', { type: 'CreatePool' }],
    ['ann', { type: 'JoinPool', capabilities: ['gpu'] }],
    ['bob', { type: 'JoinPool', capabilities: ['gpu', 'rust'] }],
    ['cyd', { type: 'JoinPool' }],
    ...TASKS.slice(0, 3).map((id): [string, Said] => [
      'ann',
      { type: 'SubmitTask', taskId: id, objective: '' },
    ]),
    ['ann', { type: 'OpenAuction', auctionId: 'a-1', kind: 'english', closesAt, taskId: 't-2' }],
    [
      'bob',
      { type: 'OpenVote', voteId: 'v-1', question: '', options: [...OPTIONS], method: 'ranked', closesAt },
    ],
    ['cyd', { type: 'OpenNegotiation', sessionId: 'n-1', participants: ['ann', 'cyd'], proposal: 1 }],
    ['ann', { type: 'Delegate', delegateeId: 'bob', scope: ['tasks', 'votes', 'delegations'], maxDepth: 2 }],
  ];
  return said.map(([author, body], i) => ({
    agent: author,
    pool: 'work',
    at: START,
    body: { ...body, id: `first-${i}` },
  }));
}

function toLog(steps: readonly RandomStep[]): LogEntry[] {
  let now = START;
  return steps.map(({ agent: author, pool: where, advanceMs: ms, body }, i) => {
    now += ms;
    return { agent: author, pool: where, at: now, body: { id: `d-${i}`, ...body(now) } };
  });
}

function logOf(
  step: fc.Arbitrary<RandomStep>,
  maxLength: number,
  begins: () => LogEntry[] = beginning,
): fc.Arbitrary<LogEntry[]> {
  const steps = fc.array(step, { minLength: 1, maxLength, size: 'max' });
  return fc
    .tuple(fc.integer({ min: 0, max: 7 }), steps)
    .map(([begun, rest]) => [...(begun > 0 ? begins() : []), ...toLog(rest)]);
}

export const randomLog = logOf(
  fc.oneof(
    { weight: 60, arbitrary: decided },
    { weight: 6, arbitrary: swept },
    { weight: 1, arbitrary: closed },
    { weight: 1, arbitrary: operatedFromAbove },
    { weight: 1, arbitrary: bannedFromShard },
  ),
  120,
);

const settled: fc.Arbitrary<RandomStep> = fc.record({
  agent: fc.constant(SWEEPER),
  pool: fc.constant(SHARD_POOL),
  advanceMs,
  body: fc.constant((): Said => ({ type: 'Settle' })),
});

/** About tasks and agents that wait for them, with everything that can bring the two together or keep them apart. */
export const randomLogOfOffers = logOf(
  fc.oneof(
    {
      weight: 60,
      arbitrary: drawnBy(agent, pool, {
        ...SHARES,
        weights: weighing({ ...ALONE, StandBy: 18, StandDown: 2 }),
      }),
    },
    { weight: 8, arbitrary: decided },
    { weight: 8, arbitrary: swept },
    { weight: 6, arbitrary: settled },
    { weight: 3, arbitrary: operatedFromAbove },
    { weight: 1, arbitrary: bannedFromShard },
  ),
  120,
);

/**
 * About pools and tasks, without sweeps, and without pools that close: for adding sweeps of one's own. What is awarded is
 * awarded when the sweep comes, so that of auctions it would not be true that a late one changes nothing but the delay.
 */
export const randomLogWithoutSweeps = logOf(
  drawnBy(agent, pool, { ...SHARES, weights: weighing(ALONE) }),
  80,
  () => beginning().filter(({ body }) => body.type !== 'OpenAuction'),
);
