/** Random logs: a few agents, pools and tasks, so that they get in each other's way, and time that goes on in small steps. */
import fc from 'fast-check';
import type { DecisionInput } from '../../../src/protocol/decisions/index.ts';
import { OPERATOR, SHARD_POOL, SWEEPER } from '../../../src/protocol/names.ts';
import { type Body, START } from '../message.ts';
import type { LogEntry } from './shard.ts';

export const AGENTS = ['ann', 'bob', 'cyd'] as const;
/** A minute of it finds more: raise it when the handlers change. */
export const RUNS = { numRuns: 40 };
const TASKS = ['t-1', 't-2', 't-3', 't-4', 't-5', 't-6'] as const;

/** A decision that may name times relative to the moment at which it is made. */
type Timed = (now: number) => DecisionInput;

const agent = fc.constantFrom(...AGENTS);
const pool = fc.constantFrom<string>('work', 'work', 'work', 'commons', 'side');
const taskId = fc.constantFrom(...TASKS);
const capabilities = fc.subarray(['gpu', 'rust']);
const topic = fc.constantFrom('x', 'y');
const span = fc.integer({ min: 1, max: 60 });
const perhaps = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

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
    capacity: perhaps(fc.integer({ min: 1, max: 2 })),
    submitters: perhaps(fc.constantFrom('anyone' as const, 'members' as const)),
    operators: perhaps(fc.subarray([...AGENTS])),
    quotas: perhaps(quotas),
  })
  .map(
    (fields): Timed =>
      () => ({ type: 'CreatePool', ...stated(fields) }),
  );

const joinPool = fc
  .record({ capabilities: perhaps(capabilities), presenceMs: perhaps(fc.integer({ min: 20, max: 90 })) })
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
    dependsOn: perhaps(fc.subarray([...TASKS], { maxLength: 2 })),
    deadline: perhaps(fc.integer({ min: 0, max: 200 })),
    notBefore: perhaps(span),
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

const epoch = perhaps(fc.integer({ min: 1, max: 3 }));
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
  fc.record({ operators: fc.subarray([...AGENTS]), quotas: perhaps(quotas) }).map(
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
);

const single = fc.oneof(
  { weight: 3, arbitrary: createPool },
  { weight: 4, arbitrary: joinPool },
  { weight: 8, arbitrary: submitTask },
  { weight: 6, arbitrary: claimTask },
  { weight: 6, arbitrary: claimNextTask },
  { weight: 4, arbitrary: renewClaim },
  { weight: 2, arbitrary: releaseTask },
  { weight: 4, arbitrary: reportTask },
  { weight: 3, arbitrary: failTask },
  { weight: 1, arbitrary: cancelTask },
  { weight: 1, arbitrary: plain('LeavePool') },
  { weight: 2, arbitrary: plain('Heartbeat') },
  { weight: 4, arbitrary: operated },
);

const batch = fc
  .record({ atomic: fc.boolean(), decisions: fc.array(single, { minLength: 1, maxLength: 4 }) })
  .map(
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
    maxLiveTasksPerPool: perhaps(fc.integer({ min: 2, max: 5 })),
    quotas,
  })
  .map(({ quotas: ofSystem, ...rest }) => stated({ ...rest, ...ofSystem }));

const sweep = fc
  .record({
    limit: perhaps(fc.integer({ min: 1, max: 4 })),
    until: perhaps(fc.integer({ min: 0, max: 60 })),
    settings: perhaps(settings),
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
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 20 }) },
  { weight: 1, arbitrary: fc.integer({ min: 50, max: 300 }) },
);

const decided: fc.Arbitrary<RandomStep> = fc.record({
  agent,
  pool,
  advanceMs,
  body: fc.oneof({ weight: 9, arbitrary: single }, { weight: 1, arbitrary: batch }),
});
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
  body: fc.record({ type: fc.constantFrom('BanAgent', 'UnbanAgent', 'UnbanAgent'), agentId }).map(
    (fields): Timed =>
      () =>
        fields,
  ),
});

/** Every log begins with a pool to work in, so that little of it is rejected for the lack of one. */
function beginning(): LogEntry[] {
  const bodies: Body[] = [{ type: 'CreatePool' }, { type: 'JoinPool', capabilities: ['gpu'] }];
  return bodies.map((body, i) => ({
    agent: 'ann',
    pool: 'work',
    at: START,
    body: { ...body, id: `first-${i}` },
  }));
}

function toLog(steps: readonly RandomStep[]): LogEntry[] {
  let now = START;
  return steps.map(({ agent: author, pool: where, advanceMs: ms, body }, i) => {
    now += ms;
    return { agent: author, pool: where, at: now, body: { ...body(now), id: `d-${i}` } };
  });
}

function logOf(step: fc.Arbitrary<RandomStep>, maxLength: number): fc.Arbitrary<LogEntry[]> {
  const steps = fc.array(step, { minLength: 1, maxLength, size: 'max' });
  return fc
    .tuple(fc.boolean(), steps)
    .map(([isBegun, rest]) => [...(isBegun ? beginning() : []), ...toLog(rest)]);
}

export const randomLog = logOf(
  fc.oneof(
    { weight: 20, arbitrary: decided },
    { weight: 3, arbitrary: swept },
    { weight: 1, arbitrary: closed },
    { weight: 1, arbitrary: operatedFromAbove },
    { weight: 1, arbitrary: bannedFromShard },
  ),
  120,
);

/** Without sweeps, and without pools that close: for adding sweeps of one's own. */
export const randomLogWithoutSweeps = logOf(decided, 80);
