import { describe, expect, it } from 'vitest';
import type { Member, Task } from '../../src/protocol/documents.ts';
import { DEFAULT_SETTINGS } from '../../src/protocol/settings.ts';
import { shardKeys } from '../../src/state/keys.ts';
import { connectForCommits, connectForReads, openRedis } from '../../src/state/redis.ts';
import { RedisShardStore } from '../../src/state/redis-shard-store.ts';
import {
  BEGINNING,
  commitFrom,
  completedTask,
  LOG,
  pendingTask,
  poolDoc,
  positionAfter,
} from '../support/commits.ts';
import { keysOf } from '../support/dump-state.ts';
import { MemoryLog, startShard } from '../support/shard.ts';
import { useSystem } from '../support/system.ts';

const system = useSystem({ redis: { appendOnly: false } });
let shards = 0;

async function newStore(): Promise<{ store: RedisShardStore; ns: string }> {
  const ns = `store-${shards++}`;
  const { url } = system.servers.redis;
  const [commits, reads] = [await openRedis(connectForCommits(url)), await openRedis(connectForReads(url))];
  system.onEndOfTest(async () => {
    commits.disconnect();
    reads.disconnect();
  });
  return { store: new RedisShardStore(commits, reads, shardKeys(ns, 0)), ns };
}

const MEMBER: Member = { pool: 'p', agent: 'ann', capabilities: ['x'], joinedAt: 3 };

function blockedTask(taskId: string, waitingFor: readonly string[]): Task {
  const { origin, ...rest } = pendingTask('p', taskId, 9);
  return { ...rest, origin, state: 'blocked', dependsOn: waitingFor, waitingFor };
}

function put(task: Task): { kind: 'task'; pool: string; before: undefined; after: Task } {
  return { kind: 'task', pool: task.pool, before: undefined, after: task };
}

describe('what was committed', () => {
  it('is loaded: position, time, settings, pools with members, unfinished tasks, and how much else there is', async () => {
    const { store } = await newStore();
    const settings = { ...DEFAULT_SETTINGS, finalRetentionMs: 5 };
    const commit = commitFrom(BEGINNING, {
      settings,
      changes: [
        { kind: 'pool', pool: 'p', before: undefined, after: poolDoc('p') },
        { kind: 'member', pool: 'p', before: undefined, after: MEMBER },
        put(pendingTask('p', 'open')),
        put(completedTask('p', 'done', 2, 70)),
        put(completedTask('p', 'awaited', 3, 60)),
        put(blockedTask('waiting', ['awaited'])),
      ],
      sequences: new Map([['p', 12]]),
      outcomes: [
        { key: 'a.1', json: '{}', at: 40, created: 0 },
        { key: 'a.2', json: '{}', at: 50, created: 0 },
      ],
    });
    await store.commit(commit);
    const { pools, ...shard } = await store.load();
    expect(shard).toEqual({
      position: positionAfter(commit),
      now: 1_000,
      settings,
      outcomes: { count: 2, oldestAt: 40 },
    });
    expect(pools).toHaveLength(1);
    expect(pools[0]).toMatchObject({ doc: poolDoc('p'), sequence: 12, members: [MEMBER] });
    expect(pools[0]?.finals).toEqual({ count: 2, oldestAt: 60 });
    expect(pools[0]?.tasks.map(({ taskId }) => taskId).sort()).toEqual(['awaited', 'open', 'waiting']);
  });

  it('is nothing at all before the first commit', async () => {
    const { store } = await newStore();
    expect(await store.load()).toEqual({
      position: { seq: 0, hash: undefined, logIdentity: undefined },
      now: 0,
      settings: undefined,
      pools: [],
      outcomes: { count: 0, oldestAt: undefined },
    });
  });

  it('is loaded as of one position, although another worker goes on writing', async () => {
    const { store } = await newStore();
    let at = BEGINNING;
    let isWriting = true;
    const writer = (async () => {
      for (let n = 1; isWriting; n++) {
        const pools = ['p0', 'p1', 'p2', 'p3'];
        const commit = commitFrom(at, {
          changes: pools.map((pool) => ({
            kind: 'pool',
            pool,
            before: undefined,
            after: poolDoc(pool, { createdAt: n }),
          })),
          sequences: new Map(pools.map((pool) => [pool, n])),
        });
        await store.commit(commit);
        at = positionAfter(commit);
        // A writer that never rests would keep the reader from ever seeing the same position twice.
        for (let i = 0; i < n % 30; i++) await store.position();
      }
    })();
    for (let i = 0; i < 20; i++) {
      const { position, pools } = await store.load();
      expect(
        new Set(pools.map(({ doc, sequence }) => `${doc.createdAt} ${sequence}`)).size,
      ).toBeLessThanOrEqual(1);
      if (pools[0] !== undefined) expect(pools[0].doc.createdAt).toBe(position.seq);
    }
    isWriting = false;
    await writer;
  });

  it('is found again by key: recent outcomes, receipts, and final tasks', async () => {
    const { store } = await newStore();
    const done = completedTask('p', 'done');
    await store.commit(
      commitFrom(BEGINNING, {
        changes: [put(done)],
        outcomes: [
          { key: 'a.recent', json: '{"r":1}', at: 1, created: 0 },
          { key: 'a.receipt', json: '{"c":1}', at: 1, created: 1 },
        ],
      }),
    );
    const found = await store.lookup({
      outcomes: ['a.recent', 'a.receipt', 'a.unknown'],
      tasks: new Map([
        ['p', ['done', 'unknown']],
        ['q', ['done']],
      ]),
      entities: new Map(),
    });
    expect(found.outcomes).toEqual(
      new Map([
        ['a.recent', '{"r":1}'],
        ['a.receipt', '{"c":1}'],
      ]),
    );
    expect(found.tasks).toEqual([done]);
  });

  it('is given out oldest first, so many as asked for, with the documents of the tasks', async () => {
    const { store } = await newStore();
    const tasks = [30, 10, 20].map((at) => completedTask('p', `t${at}`, at, at));
    const outcomes = [1, 2, 3].map((at) => ({ key: `a.${at}`, json: '{}', at, created: 0 }));
    await store.commit(commitFrom(BEGINNING, { changes: tasks.map(put), outcomes }));
    const oldest = await store.oldest(['p', 'empty'], 2, 2);
    expect(oldest.finals).toEqual(
      new Map([
        [
          'p',
          [
            { id: 't10', at: 10 },
            { id: 't20', at: 20 },
          ],
        ],
        ['empty', []],
      ]),
    );
    expect(oldest.tasks.map(({ taskId }) => taskId)).toEqual(['t10', 't20']);
    expect(oldest.outcomes).toEqual([
      { id: 'a.1', at: 1 },
      { id: 'a.2', at: 2 },
    ]);
  });
});

it('the outbox is given out oldest first and cleared by position', async () => {
  const { store } = await newStore();
  let at = { ...BEGINNING, seq: 98 };
  await system.redis.hset(`store-${shards - 1}:{0}:s:meta`, 'seq', 98, 'log', LOG);
  for (const outbox of ['R a.1', 'R a.2', 'R a.3']) {
    const commit = commitFrom(at, { outbox });
    await store.commit(commit);
    at = positionAfter(commit) as typeof at;
  }
  expect((await store.unpublished()).map(({ seq }) => seq)).toEqual([99, 100, 101]);
  await store.clearPublished([99]);
  await store.commit(commitFrom(at, { published: [101] }));
  expect(await store.unpublished()).toEqual([{ seq: 100, payload: 'R a.2' }]);
});

it('when everything has been removed nothing is left over', async () => {
  const ns = `store-${shards++}`;
  const log = new MemoryLog();
  let [at, id] = [1_700_000_000_000, 0];
  const say = (pool: string, agent: string, body: object): void => {
    const data = Buffer.from(JSON.stringify({ id: `d${id++}`, ...body }));
    log.append({ at: at++, subject: `${ns}.decisions.0.${pool}.${agent}`, data });
  };
  for (const pool of ['commons', 'p1', 'p2']) {
    say(pool, 'ann', { type: 'CreatePool', topics: ['x'] });
    for (const agent of ['ann', 'bob'])
      say(pool, agent, { type: 'JoinPool', capabilities: ['x'], presenceMs: 60_000 });
    for (const [n, fields] of [
      {},
      { topic: 'x' },
      { requiredCapabilities: ['x'], priority: 3 },
      { dependsOn: ['t0'] },
      { notBefore: at + 1_000 },
    ].entries()) {
      say(pool, 'ann', { type: 'SubmitTask', taskId: `t${n}`, objective: 'o', ...fields });
    }
    const both = ['t5', 't6'].map((taskId) => ({ type: 'SubmitTask', taskId, objective: 'o' }));
    say(pool, 'ann', { type: 'Batch', decisions: both });
    say(pool, 'bob', { type: 'ClaimTask', taskId: 't0' });
    say(pool, 'bob', { type: 'ReportTask', taskId: 't0', result: 1 });
    say(pool, 'bob', { type: 'ClaimNextTask', limit: 2 });
    for (const n of [1, 2, 3, 4, 5, 6])
      say(pool, 'ann', { type: 'FailTask', taskId: `t${n}`, reason: 'enough' });
    say(pool, 'bob', { type: 'LeavePool' });
    say(pool, 'ann', { type: 'ClosePool' });
  }
  // Much later: the first sweep removes, the next ones what fell due by it, the last only its own predecessors.
  for (let i = 0; i < 6; i++) {
    at += 3 * 86_400_000;
    say('_shard', '_sweeper', { type: 'Sweep' });
  }
  const shard = await startShard(system, { ns, log });
  await shard.applied();
  await shard.stop();
  expect((await keysOf(system.redis, `${ns}:*`)).map((key) => key.slice(ns.length))).toEqual([
    ':{0}:r:commit',
    ':{0}:s:meta',
    ':{0}:s:outcome-order',
    ':{0}:s:outcomes',
    ':{0}:s:pool-names',
    ':{0}:s:pools',
    ':{0}:s:sequences',
  ]);
  expect(await system.redis.hkeys(`${ns}:{0}:s:pools`)).toEqual(['commons']);
  expect(await system.redis.hkeys(`${ns}:{0}:s:outcomes`)).toEqual([`_sweeper.d${id - 1}`]);
});
