/**
 * Marks of which there are very many: a query reads those of the documents that it shows, not all that there are in the
 * shard or in its pool. And what is told while a query is under way is shown as its end all the same.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { NO_DEADLINE } from '../../src/lib/deadline.ts';
import type { DocumentChange } from '../../src/protocol/document-change.ts';
import type { ClaimedTask, Member } from '../../src/protocol/documents.ts';
import type { Fence } from '../../src/protocol/marks.ts';
import { shardKeys } from '../../src/state/keys.ts';
import { PoolMarks } from '../../src/state/pool-marks.ts';
import { StateQueries } from '../../src/state/queries.ts';
import { connectForCommits, connectForReads, openRedis } from '../../src/state/redis.ts';
import { RedisShardStore } from '../../src/state/redis-shard-store.ts';
import type { ShardCommit, StoredPosition } from '../../src/state/shard-store.ts';
import { BEGINNING, commitFrom, pendingTask, poolDoc, positionAfter } from '../support/commits.ts';
import { useSystem } from '../support/system.ts';

const NS = 'marks';
const ELSEWHERE = 10_000;
const HERE = 2_000;
/** A page and what names it: far below the 2 MB that all the fences take. */
const BOUND = 200_000;

const system = useSystem({ redis: { appendOnly: false } });
const keys = shardKeys(NS, 0);
let queries: StateQueries;
let position: StoredPosition = BEGINNING;

async function commit(fields: Partial<ShardCommit>): Promise<void> {
  const { url } = system.servers.redis;
  const [commits, reads] = [await openRedis(connectForCommits(url)), await openRedis(connectForReads(url))];
  const next = commitFrom(position, fields);
  await new RedisShardStore(commits, reads, keys).commit(next);
  position = positionAfter(next);
  commits.disconnect();
  reads.disconnect();
}

const FENCE: Fence = {
  place: 50_000,
  at: 500,
  why: 'left',
  reason: 'r'.repeat(50),
  cause: 'd-1',
  actor: 'x',
};
const agentsOf = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${String(i).padStart(5, '0')}`);

function memberOf(pool: string, agent: string, order: number): Member {
  return { pool, agent, capabilities: [], joinedAt: 100, order };
}

function heldTask(taskId: string, order: number, agent: string, claimedAt: number): ClaimedTask {
  const claim = { agent, epoch: 1, claimedAt: 100, order: claimedAt, expiresAt: 1_000_000, ttlMs: 1_000 };
  return { ...pendingTask('p', taskId, order), state: 'assigned', epoch: 1, claim };
}

const added = (after: Member | ClaimedTask): DocumentChange =>
  'taskId' in after
    ? { kind: 'task', pool: after.pool, before: undefined, after }
    : { kind: 'member', pool: after.pool, before: undefined, after };

/** What Redis sends for it. */
async function answerBytes(ask: () => Promise<unknown>): Promise<number> {
  const sent = async (): Promise<number> =>
    Number(/total_net_output_bytes:(\d+)/.exec(await system.redis.info('stats'))?.[1]);
  const before = await sent();
  await ask();
  return (await sent()) - before;
}

describe('with very many marks in the shard', () => {
  const leavers = agentsOf('leaver', HERE);

  beforeAll(async () => {
    queries = new StateQueries(system.redis, NS, 1);
    await commit({
      changes: [
        { kind: 'pool', pool: 'p', before: undefined, after: poolDoc('p') },
        { kind: 'pool', pool: 'q', before: undefined, after: poolDoc('q') },
        ...leavers.map((agent, i) => added(memberOf('p', agent, 10 + i))),
        ...leavers.map((agent, i) => added(heldTask(`t-${agent}`, 10 + i, agent, 20 + i))),
        // One that has come back, and holds a task again.
        added(memberOf('p', 'back', 60_000)),
        added(heldTask('kept', 9_000, 'back', 60_001)),
        added(memberOf('q', 'back', 60_000)),
      ],
      turns: new Map([['p', 1]]),
      fences: new Map([
        ...leavers.map((agent) => [`p/${agent}`, [FENCE]] as const),
        ...agentsOf('other', ELSEWHERE).map((agent) => [`p0/${agent}`, [FENCE]] as const),
        ['p/back', [FENCE]],
        ['*/back', [{ ...FENCE, place: 40_000 }]],
      ]),
    });
  });

  const CASES: Readonly<Record<string, () => Promise<unknown>>> = {
    'a task': () => queries.task({ pool: 'p', taskId: 't-leaver-00007' }),
    'a page of tasks': () => queries.tasks({ pool: 'p', limit: 50 }),
    'a page of pending tasks': () => queries.tasks({ pool: 'p', state: ['pending'], limit: 50 }),
    'the tasks of an agent': () => queries.tasks({ pool: 'p', agent: 'back', limit: 50 }),
    'a page of members': () => queries.members({ pool: 'p', limit: 100 }),
    'the pools of an agent': () => queries.poolsOfAgent({ agent: 'back', limit: 100 }),
    'a pool in which nobody has left': () => queries.pool({ pool: 'q' }),
    'its counts': () => queries.poolStats('q'),
    'what an agent may claim where nobody has left': () =>
      queries.pendingTasks({ agent: 'back', pools: ['q'], limit: 50 }),
  };

  it.each(Object.keys(CASES))('%s is answered from those of a page', async (name) => {
    expect(await answerBytes(async () => await CASES[name]?.())).toBeLessThan(BOUND);
  });

  it('what they end is seen as ended, page by page', async () => {
    const seen: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await queries.tasks({ pool: 'p', state: ['pending'], limit: 500, cursor });
      if ('error' in page) throw new Error(page.error.message);
      for (const { taskId } of page.ok.items) seen.push(taskId);
      cursor = page.ok.cursor;
      if (cursor === undefined) break;
    }
    expect(seen).toEqual(leavers.map((agent) => `t-${agent}`));
    expect(await queries.tasks({ pool: 'p', state: ['assigned'], limit: 10 })).toMatchObject({
      ok: { items: [{ taskId: 'kept' }] },
    });
    expect(await queries.pool({ pool: 'p' })).toMatchObject({ ok: { members: 1, owed: true } });
    expect(await queries.poolStats('p')).toMatchObject({
      ok: { members: 1, tasks: { pending: HERE, assigned: 1 } },
    });
    expect(await queries.poolsOfAgent({ agent: 'back', limit: 10 })).toEqual({
      ok: { pools: ['commons', 'p', 'q'] },
    });
    const pending = await queries.pendingTasks({ agent: 'back', pools: ['p'], limit: 3 });
    expect(pending).toMatchObject({
      ok: { items: leavers.slice(0, 3).map((agent) => ({ taskId: `t-${agent}`, state: 'pending' })) },
    });
  });

  it('the index of their keys goes with them', async () => {
    await commit({ fences: new Map(leavers.slice(1).map((agent) => [`p/${agent}`, []])) });
    expect(await system.redis.zrange(keys.fenceKeys, 0, '-1')).toEqual(
      (await system.redis.hkeys(keys.fences)).sort(),
    );
  });

  it('what is told, and its mark gone, after it was read, is shown as its end', async () => {
    const [agent = ''] = leavers;
    const stored = heldTask(`t-${agent}`, 10, agent, 20);
    const marks = await PoolMarks.read(system.redis, keys, 'p');
    const given = pendingTask('p', `t-${agent}`, 10);
    await commit({
      changes: [{ kind: 'task', pool: 'p', before: stored, after: given }],
      fences: new Map([[`p/${agent}`, []]]),
    });
    expect((await marks.see([stored]))[0]?.state).toBe('pending');
    expect(await marks.countVoidMembers(NO_DEADLINE)).toBe(0);
  });
});
