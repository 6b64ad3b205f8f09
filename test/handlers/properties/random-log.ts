/**
 * Random logs of all families: a few agents, pools, tasks and other things, so that they get in each other's way, and time
 * that goes on in small steps.
 */
import fc from 'fast-check';
import type { DecisionInput } from '../../../src/protocol/decisions/index.ts';
import { OPERATOR, SHARD_POOL, SWEEPER } from '../../../src/protocol/names.ts';
import { type Body, START } from '../message.ts';
import type { LogEntry } from './shard.ts';

export const AGENTS = ['ann', 'bob', 'cyd'] as const;
/** A minute of it finds more: raise it when the handlers change. */
export const RUNS = { numRuns: 15 };
const TASKS = ['t-1', 't-2', 't-3', 't-4'] as const;

/** A decision that may name times relative to the moment at which it is made. */
type Timed = (now: number) => DecisionInput;

const agent = fc.constantFrom(...AGENTS);
const pool = fc.oneof(
  { weight: 8, arbitrary: fc.constant('work') },
  { weight: 1, arbitrary: fc.constantFrom('commons', 'side') },
);
const taskId = fc.constantFrom(...TASKS);
const capabilities = fc.subarray(['gpu', 'rust']);
const topic = fc.constantFrom('x', 'y');
const span = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 40, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 }) },
);
const perhaps = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/** Removes members that are undefined: what was left out is not there. */
function stated<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return JSON.parse(JSON.stringify(fields));
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

const createPool = fc
  .record({
    maxClaimsPerAgent: perhaps(fc.integer({ min: 1, max: 2 })),
    capacity: seldom(fc.integer({ min: 1, max: 2 })),
    submitters: perhaps(fc.constantFrom('anyone' as const, 'members' as const)),
    operators: perhaps(fc.subarray([...AGENTS])),
    quotas: perhaps(quotas),
  })
  .map(
    (fields): Timed =>
      () => ({ type: 'CreatePool', ...stated(fields) }),
  );

const joinPool = fc
  .record({ capabilities: perhaps(capabilities), presenceMs: seldom(fc.integer({ min: 20, max: 90 })) })
  .map(
    (fields): Timed =>
      () => ({ type: 'JoinPool', ...stated(fields) }),
  );

const submitTask = fc
  .record({
    taskId,
    topic: perhaps(topic),
    priority: perhaps(fc.integer({ min: -1, max: 1 })),
    requiredCapabilities: perhaps(
      fc.array(fc.oneof(fc.constantFrom<string | string[]>('gpu', 'rust', ['gpu', 'rust'])), {
        maxLength: 2,
      }),
    ),
    dependsOn: seldom(fc.subarray([...TASKS], { maxLength: 2 })),
    deadline: seldom(fc.integer({ min: 0, max: 300 })),
    notBefore: seldom(span),
    constraints: perhaps(
      fc
        .record({
          claimTtlMs: perhaps(span),
          maxRunMs: perhaps(span),
          maxAttempts: perhaps(fc.integer({ min: 1, max: 3 })),
          backoffMs: perhaps(span),
          maxExpiries: perhaps(fc.integer({ min: 1, max: 2 })),
        })
        .map(stated),
    ),
  })
  .map(
    ({ deadline, notBefore, ...fields }): Timed =>
      (now) => ({
        type: 'SubmitTask',
        objective: '',
        ...stated(fields),
        ...(deadline === undefined ? {} : { deadline: now + deadline }),
        ...(notBefore === undefined ? {} : { notBefore: now + notBefore }),
      }),
  );

const epoch = seldom(fc.integer({ min: 1, max: 3 }));
const claimTask = fc.record({ taskId, claimTtlMs: perhaps(span) }).map(
  (fields): Timed =>
    () => ({ type: 'ClaimTask', ...stated(fields) }),
);
const claimNextTask = fc
  .record({
    limit: perhaps(fc.integer({ min: 1, max: 3 })),
    topics: perhaps(fc.subarray(['x', 'y'])),
    claimTtlMs: perhaps(span),
  })
  .map(
    (fields): Timed =>
      () => ({ type: 'ClaimNextTask', ...stated(fields) }),
  );
const renewClaim = fc
  .record({ taskId, epoch, progress: perhaps(fc.constantFrom(0, 0.5, 1)), note: perhaps(fc.constant('n')) })
  .map(
    (fields): Timed =>
      () => ({ type: 'RenewClaim', ...stated(fields) }),
  );
const releaseTask = fc.record({ taskId, epoch }).map(
  (fields): Timed =>
    () => ({ type: 'ReleaseTask', ...stated(fields) }),
);
const reportTask = fc.record({ taskId, epoch }).map(
  (fields): Timed =>
    () => ({ type: 'ReportTask', result: 1, ...stated(fields) }),
);
const failTask = fc.record({ taskId, epoch, retryable: perhaps(fc.boolean()) }).map(
  (fields): Timed =>
    () => ({ type: 'FailTask', reason: 'r', ...stated(fields) }),
);
const cancelTask = fc.record({ taskId }).map(
  (fields): Timed =>
    () => ({ type: 'CancelTask', ...fields }),
);
const plain = (type: 'LeavePool' | 'Heartbeat' | 'ClosePool') => fc.constant<Timed>(() => ({ type }));

const agentId = agent;
const operated = fc.oneof(
  fc
    .record({
      operators: fc.subarray([...AGENTS]),
      quotas: perhaps(quotas),
      capacity: seldom(fc.constantFrom(1, 2, null)),
      maxClaimsPerAgent: seldom(fc.constantFrom(1, 2, null)),
      owner: seldom(agentId),
      admission: seldom(
        fc.oneof(
          fc.constant('open' as const),
          fc.subarray([...AGENTS]).map((agents) => ({ kind: 'allowlist' as const, agents })),
        ),
      ),
    })
    .map(
      (fields): Timed =>
        () => ({ type: 'UpdatePool', ...stated(fields) }),
    ),
  fc.constantFrom<Timed>(
    () => ({ type: 'PausePool' }),
    () => ({ type: 'ResumePool' }),
    () => ({ type: 'ResumePool' }),
  ),
  fc.record({ taskId, epoch }).map(
    (fields): Timed =>
      () => ({ type: 'ForceRelease', ...stated(fields) }),
  ),
  fc.record({ type: fc.constantFrom('RemoveMember', 'BanAgent', 'UnbanAgent', 'UnbanAgent'), agentId }).map(
    (fields): Timed =>
      () =>
        fields,
  ),
  agentId.map(
    (banned): Timed =>
      () => ({ type: 'BanAgent', agentId: banned, cancelWork: true }),
  ),
);

const auctionId = fc.constantFrom('a-1', 'a-2');
const voteId = fc.constantFrom('v-1', 'v-2');
const sessionId = fc.constantFrom('n-1', 'n-2');
const OPTIONS = ['red', 'green', '2'] as const;
/** Until then: soon enough that it comes while the log lasts, at times past already. */
const soon = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 30, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 30 }) },
);

const openAuction = fc
  .record({
    auctionId,
    kind: fc.constantFrom(
      'first_price_sealed' as const,
      'second_price_sealed' as const,
      'english' as const,
      'dutch' as const,
    ),
    direction: fc.constantFrom('forward' as const, 'reverse' as const),
    closesAt: soon,
    reserve: perhaps(fc.constantFrom<string | number>('2.5', 4)),
    startPrice: fc.constantFrom(3, 6),
    proxy: fc.boolean(),
    softCloseMs: perhaps(span),
    taskId: perhaps(taskId),
  })
  .map(
    ({ closesAt, kind, proxy, softCloseMs, startPrice, ...fields }): Timed =>
      (now) => ({
        type: 'OpenAuction',
        kind,
        closesAt: now + closesAt,
        ...stated(fields),
        ...(kind === 'english' ? { proxy, ...stated({ softCloseMs }), increment: 1 } : {}),
        ...(kind === 'dutch' ? { startPrice, step: '0.5', stepMs: 7 } : {}),
      }),
  );
const submitBid = fc
  .record({ auctionId, amount: fc.constantFrom<string | number>(1, 2, '2.5', 3, 4, 5, 9, -1) })
  .map(
    (fields): Timed =>
      () => ({ type: 'SubmitBid', ...fields }),
  );
const closeAuction = fc.record({ auctionId }).map(
  (fields): Timed =>
    () => ({ type: 'CloseAuction', ...fields }),
);
const cancelAuction = fc.record({ auctionId }).map(
  (fields): Timed =>
    () => ({ type: 'CancelAuction', ...fields }),
);

const extendAuction = fc.record({ auctionId, laterMs: fc.integer({ min: 1, max: 900 }) }).map(
  ({ laterMs, ...fields }): Timed =>
    (now) => ({ type: 'ExtendAuction', ...fields, closesAt: now + laterMs }),
);

const openVote = fc
  .record({
    voteId,
    method: fc.constantFrom(
      'plurality' as const,
      'majority' as const,
      'unanimous' as const,
      'approval' as const,
      'ranked' as const,
      'schulze' as const,
      'borda' as const,
      {
        supermajority: { num: 2, den: 3 },
      },
    ),
    electorate: perhaps(fc.subarray([...AGENTS], { minLength: 1 })),
    quorum: perhaps(fc.integer({ min: 0, max: 3 })),
    changeable: perhaps(fc.boolean()),
    closeWhenDecided: perhaps(fc.boolean()),
    closesAt: soon,
  })
  .map(
    ({ closesAt, ...fields }): Timed =>
      (now) => ({
        type: 'OpenVote',
        question: '',
        options: [...OPTIONS],
        closesAt: now + closesAt,
        ...stated(fields),
      }),
  );
const ballot = fc.oneof(
  fc.record({ option: fc.constantFrom(...OPTIONS, 'blue') }),
  fc.record({ approvals: fc.subarray([...OPTIONS]) }),
  fc.record({ ranking: fc.shuffledSubarray([...OPTIONS]) }),
  fc
    .shuffledSubarray([...OPTIONS], { minLength: 2 })
    .map(([first = '', second = '', ...rest]) => ({ ranking: [[first, second], ...rest] })),
  fc.constant({ abstain: true as const }),
);
const vote = fc.record({ voteId, ballot }).map(
  ({ voteId: id, ballot: choice }): Timed =>
    () => ({ type: 'Vote', voteId: id, ...choice }),
);
const closeVote = fc.record({ voteId }).map(
  (fields): Timed =>
    () => ({ type: 'CloseVote', ...fields }),
);

const openNegotiation = fc
  .record({ sessionId, participants: fc.subarray([...AGENTS], { minLength: 2 }), deadline: perhaps(soon) })
  .map(
    ({ deadline, ...fields }): Timed =>
      (now) => ({
        type: 'OpenNegotiation',
        proposal: { price: 1 },
        ...fields,
        ...(deadline === undefined ? {} : { deadline: now + deadline }),
      }),
  );
const propose = fc.record({ sessionId }).map(
  (fields): Timed =>
    () => ({ type: 'Propose', content: 2, ...fields }),
);
const acceptProposal = fc.record({ sessionId, proposalId: fc.constantFrom('p-1', 'p-1', 'p-2', 'p-3') }).map(
  (fields): Timed =>
    () => ({ type: 'AcceptProposal', ...fields }),
);
const rejectProposal = fc.record({ sessionId }).map(
  (fields): Timed =>
    () => ({ type: 'RejectProposal', ...fields }),
);

const delegate = fc
  .record({
    delegateeId: fc.constantFrom(...AGENTS, 'work'),
    kind: fc.constantFrom('direct' as const, 'direct' as const, 'pooled' as const),
    scope: fc.constantFrom(
      ['tasks'],
      ['Vote', 'auctions'],
      ['tasks', 'auctions', 'votes', 'negotiations', 'delegations'],
    ),
    expiresAt: perhaps(soon),
    maxDepth: perhaps(fc.integer({ min: 0, max: 2 })),
    id: fc.constantFrom('g-1', 'g-2', 'g-3'),
  })
  .map(
    ({ expiresAt, scope, ...fields }): Timed =>
      (now) => ({
        type: 'Delegate',
        scope: [...scope],
        ...stated(fields),
        ...(expiresAt === undefined ? {} : { expiresAt: now + expiresAt }),
      }),
  );
const revokeDelegation = fc
  .record({
    delegationId: fc.oneof(
      fc.integer({ min: 0, max: 30 }).map((n) => `d-${n}`),
      fc.constantFrom('g-1', 'g-2', 'g-3'),
    ),
  })
  .map(
    (fields): Timed =>
      () => ({ type: 'RevokeDelegation', ...fields }),
  );

/** What agents decide together. */
const together = fc.oneof(
  { weight: 3, arbitrary: openAuction },
  { weight: 9, arbitrary: submitBid },
  { weight: 1, arbitrary: closeAuction },
  { weight: 1, arbitrary: cancelAuction },
  { weight: 1, arbitrary: extendAuction },
  { weight: 2, arbitrary: openVote },
  { weight: 8, arbitrary: vote },
  { weight: 1, arbitrary: closeVote },
  { weight: 2, arbitrary: openNegotiation },
  { weight: 3, arbitrary: propose },
  { weight: 6, arbitrary: acceptProposal },
  { weight: 1, arbitrary: rejectProposal },
  { weight: 4, arbitrary: delegate },
  { weight: 2, arbitrary: revokeDelegation },
);

const alone = fc.oneof(
  { weight: 1, arbitrary: createPool },
  { weight: 3, arbitrary: joinPool },
  { weight: 6, arbitrary: submitTask },
  { weight: 6, arbitrary: claimTask },
  { weight: 6, arbitrary: claimNextTask },
  { weight: 5, arbitrary: renewClaim },
  { weight: 3, arbitrary: releaseTask },
  { weight: 8, arbitrary: reportTask },
  { weight: 5, arbitrary: failTask },
  { weight: 1, arbitrary: cancelTask },
  { weight: 1, arbitrary: plain('LeavePool') },
  { weight: 2, arbitrary: plain('Heartbeat') },
  { weight: 2, arbitrary: operated },
);

const single = fc
  .tuple(
    fc.oneof({ weight: 5, arbitrary: alone }, { weight: 4, arbitrary: together }),
    fc.oneof({ weight: 11, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: agent }),
  )
  .map(
    ([decide, onBehalfOf]): Timed =>
      (now) => ({ ...decide(now), ...(onBehalfOf === undefined ? {} : { onBehalfOf }) }),
  );

const batchOf = (member: fc.Arbitrary<Timed>) =>
  fc.record({ atomic: fc.boolean(), decisions: fc.array(member, { minLength: 1, maxLength: 4 }) }).map(
    ({ atomic, decisions }) =>
      (now: number): Body => ({
        type: 'Batch',
        atomic,
        decisions: decisions.map((decide) => decide(now)),
      }),
  );

/** How long to keep things: short, so that it matters. */
const settings = fc
  .record({
    finalRetentionMs: perhaps(fc.integer({ min: 10, max: 200 })),
    finalRetentionCount: perhaps(fc.integer({ min: 1, max: 4 })),
    outcomeRetentionMs: perhaps(fc.integer({ min: 10, max: 200 })),
    endedBytes: perhaps(fc.integer({ min: 1, max: 12_000 })),
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
      (now: number): Body => ({
        type: 'Sweep',
        ...stated(fields),
        ...(until === undefined ? {} : { until: now - until }),
      }),
  );

interface RandomStep {
  readonly agent: string;
  readonly pool: string;
  readonly advanceMs: number;
  readonly body: (now: number) => Body;
}

/** Log time stands still as often as it goes on, and sometimes takes a leap. */
const advanceMs = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 8 }) },
  { weight: 1, arbitrary: fc.integer({ min: 20, max: 120 }) },
);

const decidedOf = (one: fc.Arbitrary<Timed>): fc.Arbitrary<RandomStep> =>
  fc.record({
    agent,
    pool,
    advanceMs,
    body: fc.oneof({ weight: 9, arbitrary: one }, { weight: 1, arbitrary: batchOf(one) }),
  });
const decided = decidedOf(single);
const closed: fc.Arbitrary<RandomStep> = fc.record({ agent, pool, advanceMs, body: plain('ClosePool') });
const swept: fc.Arbitrary<RandomStep> = fc.record({
  agent: fc.constant(SWEEPER),
  pool: fc.constant(SHARD_POOL),
  advanceMs,
  body: sweep,
});

/** The operators of the whole system: in one pool, or over the shard. */
const operatedFromAbove: fc.Arbitrary<RandomStep> = fc.record({
  agent: fc.constant(OPERATOR),
  pool,
  advanceMs,
  body: operated,
});
const bannedFromShard: fc.Arbitrary<RandomStep> = fc.record({
  agent: fc.constant(OPERATOR),
  pool: fc.constant(SHARD_POOL),
  advanceMs,
  body: fc
    .record({
      type: fc.constantFrom('BanAgent', 'UnbanAgent', 'UnbanAgent'),
      agentId,
      cancelWork: fc.boolean(),
    })
    .map(
      ({ type, agentId, cancelWork }): Timed =>
        () =>
          type === 'BanAgent' ? { type, agentId, cancelWork } : { type, agentId },
    ),
});

/** Most logs begin with something to decide about, so that not most of what follows is rejected for the lack of it. */
function beginning(): LogEntry[] {
  const closesAt = START + 300;
  const said: [string, Body][] = [
    ['ann', { type: 'CreatePool' }],
    ['ann', { type: 'JoinPool', capabilities: ['gpu'] }],
    ['bob', { type: 'JoinPool', capabilities: ['gpu', 'rust'] }],
    ['cyd', { type: 'JoinPool' }],
    ...TASKS.slice(0, 3).map((id): [string, Body] => [
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

/**
 * About pools and tasks, without sweeps, and without pools that close: for adding sweeps of one's own. What is awarded is
 * awarded when the sweep comes, so that of auctions it would not be true that a late one changes nothing but the delay.
 */
export const randomLogWithoutSweeps = logOf(decidedOf(alone), 80, () =>
  beginning().filter(({ body }) => body.type !== 'OpenAuction'),
);
