/** The commit: all or nothing, at the right place or not at all, once however often it is sent (I1, I5). */
import { describe, expect, it } from 'vitest';
import { ShardLostError } from '../../src/lib/errors.ts';
import type { Pool } from '../../src/protocol/documents.ts';
import { shardKeys } from '../../src/state/keys.ts';
import { connectForCommits, connectForReads, openRedis } from '../../src/state/redis.ts';
import { RedisShardStore } from '../../src/state/redis-shard-store.ts';
import type { ShardCommit } from '../../src/state/shard-store.ts';
import { BEGINNING, commitFrom, LOG, pendingTask, poolDoc, positionAfter } from '../support/commits.ts';
import { type Dump, dumpKeys, keysOf } from '../support/dump-state.ts';
import { useSystem } from '../support/system.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const system = useSystem();
let shards = 0;

async function newStore(url = system.servers.redis.url): Promise<{ store: RedisShardStore; ns: string }> {
  const ns = `commit-${shards++}`;
  const commits = await openRedis(connectForCommits(url));
  const reads = await openRedis(connectForReads(system.servers.redis.url));
  system.onEndOfTest(async () => {
    commits.disconnect();
    reads.disconnect();
  });
  return { store: new RedisShardStore(commits, reads, shardKeys(ns, 0)), ns };
}

function everything(ns: string): Promise<Dump> {
  return dumpKeys(system.redis, `${ns}:*`);
}

function created(pool: string, fields: Partial<Pool> = {}): Partial<ShardCommit> {
  return {
    changes: [{ kind: 'pool', pool, before: undefined, after: poolDoc(pool, fields) }],
    sequences: new Map([[pool, 1]]),
    outcomes: [{ key: `${pool}.owner.create-${pool}`, json: `{"pool":"${pool}"}`, at: 1_000, created: 1 }],
    outbox: 'R p.owner.create-p',
  };
}

describe('a commit at the position where the shard stands', () => {
  it('writes state, outcome, outbox and position together', async () => {
    const { store, ns } = await newStore();
    await store.commit(commitFrom(BEGINNING, { ...created('p'), nextDue: 99 }));
    expect(await everything(ns)).toEqual({
      [`${ns}:{0}:r:commit`]: expect.stringMatching(/^commit-/),
      [`${ns}:{0}:r:outbox`]: { 1: 'R p.owner.create-p' },
      [`${ns}:{0}:s:meta`]: expect.objectContaining({
        seq: '1',
        hash: 'hash-1',
        log: LOG,
        now: '1000',
        due: '99',
      }),
      [`${ns}:{0}:s:outcome-order`]: ['1000|28|p.owner.create-p'],
      [`${ns}:{0}:s:outcomes`]: { 'p.owner.create-p': '{"pool":"p"}' },
      [`${ns}:{0}:s:pool-names`]: ['p', '0'],
      [`${ns}:{0}:s:pools`]: { p: JSON.stringify(poolDoc('p')) },
      [`${ns}:{0}:s:receipt-counts`]: { 'p.owner.create-p': '1' },
      [`${ns}:{0}:s:receipts`]: { 'p.owner.create-p': '{"pool":"p"}' },
      [`${ns}:{0}:s:sequences`]: { p: '1' },
    });
  });

  it('goes on after SCRIPT FLUSH', async () => {
    const { store } = await newStore();
    const first = commitFrom(BEGINNING);
    await store.commit(first);
    await system.redis.script('FLUSH');
    const second = commitFrom(positionAfter(first));
    await store.commit(second);
    expect(await store.position()).toEqual(positionAfter(second));
  });

  it('can be larger than what Lua unpacks at once', async () => {
    const { store, ns } = await newStore();
    const many = Array.from({ length: 9_001 }, (_, i) => i);
    const first = commitFrom(BEGINNING, {
      changes: [
        { kind: 'pool', pool: 'p', before: undefined, after: poolDoc('p') },
        ...many.map((i) => ({
          kind: 'task' as const,
          pool: 'p',
          before: undefined,
          after: pendingTask('p', `t${i}`, i),
        })),
      ],
      outcomes: many.map((i) => ({ key: `a.d${i}`, json: `{"n":${i}}`, at: i, created: 0 })),
    });
    await store.commit(first);
    const { pools, outcomes } = await store.load();
    expect(pools[0]?.entities.length).toBe(9_001);
    expect(outcomes).toEqual({ count: 9_001, bytes: expect.any(Number), oldestAt: 0 });
    expect(await system.redis.lrange(`${ns}:{0}:s:outcome-order`, -1, -1)).toEqual(['9000|17|a.d9000']);

    await store.commit(
      commitFrom(positionAfter(first), { forgotten: many.slice(0, 9_000).map((i) => `a.d${i}`) }),
    );
    expect((await store.load()).outcomes).toEqual({ count: 1, bytes: expect.any(Number), oldestAt: 9_000 });
    expect(await system.redis.hkeys(`${ns}:{0}:s:outcomes`)).toEqual(['a.d9000']);
  });
});

describe('a commit from elsewhere writes nothing', () => {
  it.each([
    ['another position', { seq: 7 }],
    ['another last message', { hash: 'hash-of-another' }],
    ['another log', { logIdentity: '2020-01-01T00:00:00Z' }],
    ['the beginning', { seq: 0, hash: undefined }],
  ])('%s', async (_what, wrong) => {
    const { store, ns } = await newStore();
    const first = commitFrom(BEGINNING, created('p'));
    await store.commit(first);
    const before = await everything(ns);
    const stale = commitFrom({ ...positionAfter(first), ...wrong }, created('q'));
    await expect(store.commit(stale)).rejects.toThrow(ShardLostError);
    expect(await everything(ns)).toEqual(before);
  });

  it('an empty store, because it was flushed', async () => {
    const { store, ns } = await newStore();
    const stale = commitFrom({ seq: 5, hash: 'hash-5', logIdentity: LOG });
    await expect(store.commit(stale)).rejects.toThrow(ShardLostError);
    expect(await everything(ns)).toEqual({});
  });

  it('a commit sent again whose state went back without the id of the last commit', async () => {
    const { store, ns } = await newStore();
    const commit = commitFrom(BEGINNING);
    await store.commit(commit);
    await system.redis.hset(`${ns}:{0}:s:meta`, { seq: '7', hash: 'hash-7' });
    await expect(store.commit(commit)).rejects.toThrow(ShardLostError);
  });

  it('a zombie, whose successor has applied the very same messages', async () => {
    const { store, ns } = await newStore();
    const [successor, zombie] = [commitFrom(BEGINNING, created('p')), commitFrom(BEGINNING, created('p'))];
    await store.commit(successor);
    const before = await everything(ns);
    await expect(store.commit(zombie)).rejects.toThrow(ShardLostError);
    expect(await everything(ns)).toEqual(before);
  });
});

describe('a commit whose answer is lost', () => {
  const isCommit = (request: string): boolean => /evalsha/i.test(request) && request.includes(':s:meta');

  it('is recognised as its own when it is sent again', async () => {
    const { store, ns } = await newStore();
    const commit = commitFrom(BEGINNING, {
      outcomes: [{ key: 'a.d', json: '{}', at: 1, created: 0 }],
    });
    await store.commit(commit);
    const before = await everything(ns);
    await store.commit(commit);
    expect(await everything(ns)).toEqual(before);
  });

  it('rejects, and is not sent again behind the back of the writer', async () => {
    const proxy = await TcpProxy.start(system, system.servers.redis.url);
    const { store, ns } = await newStore(proxy.url);
    // The script is known to the server, so that the answer that gets lost is not NOSCRIPT.
    await (await newStore()).store.commit(commitFrom(BEGINNING));
    const lost = proxy.loseNext('reply', isCommit);
    const commit = commitFrom(BEGINNING, { outcomes: [{ key: 'a.d', json: '{}', at: 1, created: 0 }] });
    await expect(store.commit(commit)).rejects.toThrow();
    await lost;
    expect(await store.position()).toEqual(positionAfter(commit));
    expect(await system.redis.lrange(`${ns}:{0}:s:outcome-order`, 0, -1)).toEqual(['1|5|a.d']);
  });

  it('that never reached the server changes nothing', async () => {
    const proxy = await TcpProxy.start(system, system.servers.redis.url);
    const { store, ns } = await newStore(proxy.url);
    const lost = proxy.loseNext('request', isCommit);
    await expect(store.commit(commitFrom(BEGINNING))).rejects.toThrow();
    await lost;
    expect(await everything(ns)).toEqual({});
  });
});

describe('the receipt of a decision that created several things', () => {
  it('stays until the last of them is removed', async () => {
    const { store, ns } = await newStore();
    const [one, two] = [pendingTask('p', 't1', 1, 'batch'), pendingTask('p', 't2', 2, 'batch')];
    const key = { key: 'p.owner.batch', json: '{"both":true}', at: 1_000, created: 2 };
    const first = commitFrom(BEGINNING, {
      changes: [
        { kind: 'task', pool: 'p', before: undefined, after: one },
        { kind: 'task', pool: 'p', before: undefined, after: two },
      ],
      outcomes: [key],
    });
    await store.commit(first);
    const second = commitFrom(positionAfter(first), {
      changes: [{ kind: 'task', pool: 'p', before: one, after: undefined }],
      forgotten: ['p.owner.batch'],
    });
    await store.commit(second);
    expect(await store.outcomes(['p.owner.batch'])).toEqual(new Map([['p.owner.batch', '{"both":true}']]));

    await store.commit(
      commitFrom(positionAfter(second), {
        changes: [{ kind: 'task', pool: 'p', before: two, after: undefined }],
      }),
    );
    expect(await store.outcomes(['p.owner.batch'])).toEqual(new Map());
    expect(await keysOf(system.redis, `${ns}:{0}:s:*`)).toEqual([`${ns}:{0}:s:meta`]);
  });

  it('may be missing: the end of a thing without one leaves nothing behind', async () => {
    const { store, ns } = await newStore();
    const task = pendingTask('p', 't1', 1, 'unknown');
    const first = commitFrom(BEGINNING, {
      changes: [{ kind: 'task', pool: 'p', before: undefined, after: task }],
    });
    await store.commit(first);
    const removal = { kind: 'task' as const, pool: 'p', before: task, after: undefined };
    await store.commit(commitFrom(positionAfter(first), { changes: [removal] }));
    expect(await keysOf(system.redis, `${ns}:{0}:s:*`)).toEqual([`${ns}:{0}:s:meta`]);
  });

  it('is not mixed up with receipts that the same commit writes', async () => {
    const { store, ns } = await newStore();
    const [old, fresh] = [pendingTask('p', 't1', 1, 'old'), pendingTask('p', 't1', 2, 'fresh')];
    const first = commitFrom(BEGINNING, {
      changes: [{ kind: 'task', pool: 'p', before: undefined, after: old }],
      outcomes: [{ key: 'p.owner.old', json: '{"old":1}', at: 1, created: 1 }],
    });
    await store.commit(first);
    await store.commit(
      commitFrom(positionAfter(first), {
        changes: [{ kind: 'task', pool: 'p', before: old, after: fresh }],
        outcomes: [{ key: 'p.owner.fresh', json: '{"fresh":1}', at: 2, created: 1 }],
        forgotten: ['p.owner.old'],
      }),
    );
    expect(await system.redis.hgetall(`${ns}:{0}:s:receipts`)).toEqual({ 'p.owner.fresh': '{"fresh":1}' });
    expect(await system.redis.hgetall(`${ns}:{0}:s:receipt-counts`)).toEqual({ 'p.owner.fresh': '1' });
  });
});
