/**
 * RELIABILITY 1.2 and 1.3: what a mark has ended is over at once, so that how much of it is told with a message decides nothing.
 * Without dependents and cancelled work, which stand until they are told.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OPERATOR, SHARD_POOL, SWEEPER } from '../../../src/protocol/names.ts';
import { type Body, START } from '../message.ts';
import { type LogEntry, Shard } from './shard.ts';

const AGENTS = ['ann', 'bob', 'cyd'] as const;
const POOLS = ['work', 'other', 'commons'] as const;
const agent = fc.constantFrom(...AGENTS);
const taskId = fc.constantFrom('t-1', 't-2', 't-3', 't-4', 't-5');

interface Step {
  readonly agent: string;
  readonly pool?: string;
  readonly body: Body;
}

const own: fc.Arbitrary<Body> = fc.oneof(
  fc.constantFrom<Body>({ type: 'JoinPool' }, { type: 'LeavePool' }, { type: 'Heartbeat' }),
  fc.constantFrom<Body>({ type: 'JoinPool', presenceMs: 40 }, { type: 'ClaimNextTask', limit: 2 }),
  fc.record({ taskId, deadline: fc.constantFrom(undefined, START + 150, START + 400) }).map(
    ({ taskId, deadline }): Body => ({
      type: 'SubmitTask',
      taskId,
      objective: '',
      constraints: { maxExpiries: 3 },
      ...(deadline === undefined ? {} : { deadline }),
    }),
  ),
  fc
    .record({ taskId, claimTtlMs: fc.constantFrom(30, 100, 10_000) })
    .map((fields): Body => ({ type: 'ClaimTask', ...fields })),
  taskId.map((taskId): Body => ({ type: 'ReportTask', taskId, result: 1 })),
  taskId.map((taskId): Body => ({ type: 'RenewClaim', taskId, progress: 0.5 })),
  taskId.map((taskId): Body => ({ type: 'ReleaseTask', taskId })),
  taskId.map((taskId): Body => ({ type: 'FailTask', taskId, reason: '' })),
  taskId.map((taskId): Body => ({ type: 'CancelTask', taskId })),
);
const operated: fc.Arbitrary<Body> = fc
  .record({ type: fc.constantFrom('BanAgent', 'UnbanAgent', 'UnbanAgent', 'RemoveMember'), agentId: agent })
  .map((fields): Body => fields);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ agent, body: own }) },
  { weight: 3, arbitrary: fc.record({ agent: fc.constant(OPERATOR), body: operated }) },
  {
    weight: 2,
    arbitrary: fc
      .record({ type: fc.constantFrom('BanAgent', 'UnbanAgent', 'UnbanAgent'), agentId: agent })
      .map((body): Step => ({ agent: OPERATOR, pool: SHARD_POOL, body })),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ agent: SWEEPER, pool: SHARD_POOL, body: { type: 'Sweep' } }) },
);
const log = fc.array(
  fc.record({ step, pool: fc.constantFrom(...POOLS), later: fc.integer({ min: 0, max: 20 }) }),
  {
    minLength: 30,
    maxLength: 120,
    size: 'max',
  },
);

/** Everybody is a member everywhere, and there is something to hold. */
const BEGINNING = POOLS.flatMap((pool) => [
  ...AGENTS.map((name) => ({ agent: name, pool, later: 0, body: { type: 'JoinPool' } as const })),
  ...['t-1', 't-2', 't-3', 't-4', 't-5'].map((id) => ({
    agent: 'owner',
    pool,
    later: 0,
    body: { type: 'SubmitTask', taskId: id, objective: '' } as const,
  })),
  ...AGENTS.map((name) => ({
    agent: name,
    pool,
    later: 0,
    body: { type: 'ClaimNextTask', limit: 2 } as const,
  })),
]);

function entries(
  steps: readonly { step: Step; pool: string; later: number }[],
  consequencesAtOnce: number,
): LogEntry[] {
  const said: { agent: string; pool: string; later: number; body: Body }[] = [
    { agent: SWEEPER, pool: SHARD_POOL, later: 0, body: { type: 'Sweep', settings: { consequencesAtOnce } } },
    { agent: 'owner', pool: 'work', later: 0, body: { type: 'CreatePool', maxClaimsPerAgent: 3 } },
    { agent: 'owner', pool: 'other', later: 0, body: { type: 'CreatePool', capacity: 3 } },
    ...BEGINNING,
    ...steps.map(({ step, pool, later }) => ({
      agent: step.agent,
      pool: step.pool ?? pool,
      later,
      body: step.body,
    })),
  ];
  let at = START;
  return said.map(({ later, body, ...entry }, i) => {
    at += later;
    return { ...entry, at, body: { ...body, id: `d-${i}` } };
  });
}

const VARY: ReadonlySet<string> = new Set(['finishedAt', 'lastSeenAt']);

/** What is answered to each decision, and what is stored once nothing is owed any more. */
function play(all: readonly LogEntry[]): { readonly codes: readonly unknown[]; readonly documents: unknown } {
  const shard = new Shard();
  const codes = all.map((entry) => {
    const { applied } = shard.apply(entry);
    shard.commit();
    return entry.agent === SWEEPER ? undefined : `${entry.body.type}: ${applied.code ?? applied.status}`;
  });
  for (let settles = 0; shard.world.owingPools > 0; settles++) {
    const owed = [...shard.world.pools.values()].reduce((sum, state) => sum + state.void.size, 0);
    const body = { type: 'Settle', id: `s-${settles}` } as const;
    shard.apply({ agent: SWEEPER, pool: SHARD_POOL, at: shard.now, body });
    shard.commit();
    const left = [...shard.world.pools.values()].reduce((sum, state) => sum + state.void.size, 0);
    if (owed > 0) expect(left, 'what is owed falls with each Settle').toBeLessThan(owed);
  }
  expect(shard.world.marks.isEmpty).toBe(true);
  const documents = [...shard.store.documents]
    .map(([key, json]) => [key, JSON.parse(json, (name, value) => (VARY.has(name) ? undefined : value))])
    .sort();
  return { codes, documents };
}

it('the same log with any number of consequences at once: the same answers, and settled the same documents', () => {
  fc.assert(
    fc.property(log, (steps) => {
      const whole = play(entries(steps, 1_000));
      for (const atOnce of [1, 7, 200]) expect(play(entries(steps, atOnce))).toEqual(whole);
    }),
    { numRuns: 60 },
  );
});
