/**
 * RELIABILITY 1.5: queries show a void document as its end. Whatever is asked, the answers are the same before what a mark
 * has ended is told and after it, but for times, the number of the latest event, and `owed`.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { EventFeeds } from '../../src/bus/event-feeds.ts';
import type { QueryHandlers } from '../../src/bus/query-service.ts';
import { readQuery } from '../../src/bus/read-query.ts';
import { type Deadline, NO_DEADLINE } from '../../src/lib/deadline.ts';
import type { Asker } from '../../src/protocol/identity.ts';
import { OPERATOR, SHARD_POOL, SWEEPER } from '../../src/protocol/names.ts';
import {
  isQueryName,
  QUERIES,
  type QueryInput,
  type QueryName,
  type QueryOf,
} from '../../src/protocol/queries.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { shardKeys, systemKeys } from '../../src/state/keys.ts';
import { PoolStandings } from '../../src/state/pool-standings.ts';
import { StateQueries } from '../../src/state/queries.ts';
import { PoolSight } from '../../src/workers/queries/pool-sight.ts';
import { privatelyAnswered } from '../../src/workers/queries/query-access.ts';
import { queryHandlers } from '../../src/workers/queries/query-handlers.ts';
import { MemoryLog, type ShardUnderTest, startShard } from '../support/shard.ts';
import { useSystem } from '../support/system.ts';

const NS = 'void';
const START = 1_700_000_000_000;
const LATER = START + 3_600_000;
/** Bob's pools: one that is not open, one that is closed, and the one of everybody. */
const SAFE = 'safe';
const CLOSED = 'closed';
const PLACES = [SAFE, CLOSED, 'commons', 'other'] as const;

const system = useSystem({ redis: { appendOnly: false } });
const log = new MemoryLog();
const keys = shardKeys(NS, 0);
let shard: ShardUnderTest;
let handlers: QueryHandlers;
let guarded: QueryHandlers;
let count = 0;

async function say(pool: string, agent: string, ...bodies: readonly object[]): Promise<void> {
  for (const body of bodies) {
    const subject =
      pool === SHARD_POOL
        ? subjects(NS).shardDecision(0, agent, pool)
        : subjects(NS).decision(pool, agent, 1);
    const data = Buffer.from(JSON.stringify({ id: `d${count++}`, ...body }));
    log.append({ subject, data, at: START + count });
  }
}

const submits = (...ids: readonly string[]): object[] =>
  ids.map((taskId) => ({ type: 'SubmitTask', taskId, objective: '' }));
const claims = (...ids: readonly string[]): object[] =>
  ids.map((taskId) => ({ type: 'ClaimTask', taskId, claimTtlMs: 3_600_000 }));

/** All kinds of things that a mark ends, and beside each one that it does not. */
async function fill(): Promise<void> {
  await say(SHARD_POOL, SWEEPER, { type: 'Sweep', settings: { consequencesAtOnce: 1 } });
  await say(SAFE, 'owner', {
    type: 'CreatePool',
    admission: { kind: 'allowlist', agents: ['bob', 'cyd', 'dan', 'eve'] },
  });
  for (const agent of ['bob', 'cyd', 'dan', 'eve'])
    await say(SAFE, agent, { type: 'JoinPool', capabilities: ['read'] });
  await say(SAFE, 'owner', ...submits('s-0', 's-1', 's-2', 's-3', 's-4'));
  await say(SAFE, 'owner', {
    type: 'SubmitTask',
    taskId: 's-5',
    objective: '',
    topic: 'art',
    priority: 3,
    requiredCapabilities: ['read'],
  });
  await say(SAFE, 'bob', ...claims('s-0', 's-1', 's-2', 's-5'), {
    type: 'RenewClaim',
    taskId: 's-1',
    progress: 0.5,
    note: 'half',
  });
  await say(SAFE, 'cyd', ...claims('s-3'));
  for (const id of ['root', 'other'])
    await say(SAFE, 'cyd', { id, type: 'Delegate', delegateeId: 'dan', scope: ['votes', 'delegations'] });
  for (const id of ['below-0', 'below-1'])
    await say(SAFE, 'dan', { id, type: 'Delegate', delegateeId: 'eve', scope: ['Vote'], onBehalfOf: 'cyd' });
  await say('other', 'owner', { type: 'CreatePool' }, ...submits('o-0'));
  await say('other', 'bob', { type: 'JoinPool' }, ...claims('o-0'));
  await say('commons', 'owner', ...submits('c-0', 'c-1'));
  await say('commons', 'bob', { type: 'JoinPool' }, ...claims('c-0'));
  await say(CLOSED, 'owner', { type: 'CreatePool' }, ...submits('x-0', 'x-1', 'x-2', 'x-3'));
  await say(
    CLOSED,
    'owner',
    { type: 'SubmitTask', taskId: 'x-4', objective: '', dependsOn: ['x-1'] },
    { type: 'SubmitTask', taskId: 'x-5', objective: '', notBefore: LATER },
  );
  for (const agent of ['bob', 'cyd']) await say(CLOSED, agent, { type: 'JoinPool' });
  await say(CLOSED, 'bob', ...claims('x-0', 'x-2'));
  await say(CLOSED, 'cyd', ...claims('x-3'));
}

async function end(): Promise<void> {
  await say(CLOSED, 'owner', { type: 'ClosePool' });
  await say(SAFE, 'cyd', { type: 'RevokeDelegation', delegationId: 'root' });
  await say(
    SHARD_POOL,
    OPERATOR,
    { type: 'BanAgent', agentId: 'bob' },
    { type: 'UnbanAgent', agentId: 'bob' },
  );
}

async function tellAll(): Promise<number> {
  for (let settles = 0; ; settles++) {
    await shard.applied();
    if ((await system.redis.hlen(keys.turns)) === 0) return settles;
    await say(SHARD_POOL, SWEEPER, { type: 'Settle' });
  }
}

const EVERY_QUERY: { readonly [N in QueryName]: readonly QueryInput<N>[] } = {
  task: ['s-0', 's-1', 's-2', 's-3', 's-4', 's-5', 'none']
    .map((taskId) => ({ pool: SAFE, taskId }))
    .concat(['x-0', 'x-1', 'x-2', 'x-3', 'x-4', 'x-5'].map((taskId) => ({ pool: CLOSED, taskId })))
    .concat({ pool: 'commons', taskId: 'c-0' }),
  tasks: PLACES.flatMap((pool) => [
    { pool },
    { pool, limit: 2 },
    { pool, agent: 'bob' },
    { pool, agent: 'cyd' },
    ...(['blocked', 'scheduled', 'pending', 'assigned', 'running', 'cancelled'] as const).map((state) => ({
      pool,
      state: [state],
    })),
    { pool, state: ['pending', 'assigned'] as const, limit: 3 },
    { pool, state: ['assigned', 'cancelled'] as const },
  ]),
  'pending-tasks': [
    ...['bob', 'cyd', 'zed'].flatMap((agent) => [
      { agent },
      { agent, pools: [...PLACES] },
      { agent, pools: [...PLACES], limit: 2 },
    ]),
    { agent: 'cyd', pools: [SAFE], capabilities: [] },
  ],
  pool: PLACES.map((pool) => ({ pool })),
  offers: PLACES.flatMap((pool) => [{ pool }, { pool, limit: 1 }]),
  pools: [{}],
  'pools-of-agent': ['bob', 'cyd', 'zed'].map((agent) => ({ agent })),
  members: PLACES.flatMap((pool) => [{ pool }, { pool, limit: 2 }]),
  outcome: [{ pool: SAFE, agent: 'owner', decisionId: 'd1' }],
  auction: [{ pool: SAFE, auctionId: 'none' }],
  auctions: [{ pool: SAFE }],
  vote: [{ pool: SAFE, voteId: 'none' }],
  votes: [{ pool: SAFE }],
  negotiation: [{ pool: SAFE, sessionId: 'none' }],
  delegations: [
    { pool: SAFE },
    { pool: SAFE, limit: 2 },
    { pool: SAFE, agent: 'eve' },
    { pool: SAFE, state: 'live' },
    { pool: SAFE, state: 'revoked' },
  ],
  stats: PLACES.map((pool) => ({ pool })),
  feed: [],
};

const VARY: ReadonlySet<string> = new Set([
  ...['finishedAt', 'sequence', 'owed', 'shards', 'logLastSeq', 'logMessages', 'logBytes'],
]);

/** Every page of an answer, without what may differ. */
async function answers<N extends QueryName>(
  by: QueryHandlers,
  name: N,
  body: QueryInput<N>,
  asker: Asker,
): Promise<unknown> {
  const pages: unknown[] = [];
  for (let cursor: unknown; ; ) {
    const asked = readQuery(name, Buffer.from(JSON.stringify({ ...body, cursor })));
    if ('error' in asked) throw new Error(`${name}: ${asked.error.message}`);
    const ask: (query: QueryOf<N>, asker: Asker, deadline: Deadline) => Promise<object> = by[name];
    const answer = await ask(asked.query, asker, NO_DEADLINE);
    pages.push(JSON.parse(JSON.stringify(answer, (key, value) => (VARY.has(key) ? undefined : value))));
    cursor = Object(answer).ok?.cursor;
    if (cursor === undefined) break;
  }
  // Where a page ends may differ: what is void fills none.
  const items = pages.flatMap((page) => Object(page).ok?.items ?? []);
  return items.length > 0 || pages.length > 1 ? items : pages;
}

async function allAnswers(by: QueryHandlers, asker: Asker): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const name of Object.keys(QUERIES)) {
    if (!isQueryName(name)) continue;
    for (const body of EVERY_QUERY[name])
      found[`${name} ${JSON.stringify(body)}`] = await answers(by, name, body, asker);
  }
  return found;
}

const ASKERS: readonly Asker[] = [
  { kind: 'agent', agent: 'bob' },
  { kind: 'agent', agent: 'cyd' },
  { kind: 'agent', agent: 'eve' },
  { kind: 'anyone' },
];
const OVERSEER: Asker = { kind: 'overseer', name: OPERATOR };

describe('1.5: queries show a void document as its end', () => {
  let before: Record<string, unknown>;
  let half: Record<string, unknown>;
  let halfByAsker: Record<string, unknown>[];
  let told: Record<string, unknown>;
  let toldByAsker: Record<string, unknown>[];
  let owed: unknown[];
  let owedAtLast: unknown[];
  let isStored: number;
  let settles: number;

  const isOwed = async (): Promise<unknown[]> => {
    const found: unknown[] = [];
    for (const pool of PLACES) {
      found.push(await handlers.pool({ pool }, OVERSEER, NO_DEADLINE));
      found.push(await handlers.stats({ pool }, OVERSEER, NO_DEADLINE));
    }
    return found.map((answer) => JSON.stringify(answer).includes('"owed":true'));
  };

  beforeAll(async () => {
    shard = await startShard(system, { ns: NS, log });
    const queries = new StateQueries(system.redis, NS, 1);
    handlers = queryHandlers({
      queries,
      redis: system.redis,
      keys: systemKeys(NS),
      logs: async () => [],
      feeds: new EventFeeds(system.nats, system.jsm, subjects(NS), 1),
      liveWorkers: () => [],
      alarms: () => [],
    });
    guarded = privatelyAnswered(handlers, new PoolSight(new PoolStandings(system.redis, NS, 1)));
    await fill();
    await shard.applied();
    before = await allAnswers(handlers, OVERSEER);
    await end();
    await shard.applied();
    half = await allAnswers(handlers, OVERSEER);
    halfByAsker = [];
    for (const asker of ASKERS) halfByAsker.push(await allAnswers(guarded, asker));
    owed = await isOwed();
    isStored = await system.redis.hexists(keys.members(SAFE), 'bob');
    // The shard ends with the first test.
    settles = await tellAll();
    told = await allAnswers(handlers, OVERSEER);
    toldByAsker = [];
    for (const asker of ASKERS) toldByAsker.push(await allAnswers(guarded, asker));
    owedAtLast = await isOwed();
  });

  it('while most of it is not told', () => {
    expect(isStored).toBe(1);
    expect(settles).toBeGreaterThan(10);
    expect(half).not.toEqual(before);
    expect(owed).toEqual(owed.map(() => true));
    expect(owedAtLast).toEqual(owed.map(() => false));
  });

  it('to a former member a pool that is not open does not exist, from the position of its ban on', () => {
    const [toBob] = halfByAsker;
    for (const [question, answer] of Object.entries(toBob ?? {})) {
      const isAboutSafe = question.includes(`"pool":"${SAFE}"`) && !question.startsWith('outcome');
      if (isAboutSafe) expect(answer, question).toMatchObject([{ error: { code: 'pool_not_found' } }]);
      else if (!question.includes(SAFE)) expect(JSON.stringify(answer), question).not.toContain(SAFE);
    }
  });

  it('every answer is the one that there is once all is told, to everybody', () => {
    expect(half).toEqual(told);
    expect(halfByAsker).toEqual(toldByAsker);
  });
});
