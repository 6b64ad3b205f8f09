/** Commits that Redis does not take, each as it really fails. */
import { describe, expect, it } from 'vitest';
import { shardKeys } from '../../src/state/keys.ts';
import { connectForCommits, connectForReads, openRedis } from '../../src/state/redis.ts';
import { RedisShardStore } from '../../src/state/redis-shard-store.ts';
import { BEGINNING, commitFrom, poolDoc, positionAfter } from '../support/commits.ts';
import { useSystem } from '../support/system.ts';
import { type FailingStore, failingCommitsContract, failureOf } from './failing-commits.contract.ts';

const system = useSystem();
let stores = 0;

async function newStore(): Promise<FailingStore & { readonly ns: string }> {
  const ns = `failing-${stores++}`;
  const { url } = system.servers.redis;
  const commits = await openRedis(connectForCommits(url));
  const reads = await openRedis(connectForReads(url));
  system.onEndOfTest(async () => {
    await system.redis.config('SET', 'maxmemory', '0');
    commits.disconnect();
    reads.disconnect();
  });
  const keys = shardKeys(ns, 0);
  return {
    ns,
    store: new RedisShardStore(commits, reads, keys),
    refuse: async (isOn) => void (await system.redis.config('SET', 'maxmemory', isOn ? '1' : '0')),
    breakNext: async () => {
      // The last of what a commit writes: a key of another type stands in its way.
      await system.redis.del(keys.outcomeOrder);
      await system.redis.set(keys.outcomeOrder, 'not a list');
    },
  };
}

const POOL = {
  changes: [{ kind: 'pool' as const, pool: 'p', before: undefined, after: poolDoc('p') }],
};

describe('Redis', () => {
  failingCommitsContract(newStore);
});

describe('a commit to a Redis', () => {
  it('without memory is refused also when it frees more than it takes', async () => {
    const { store, refuse } = await newStore();
    const first = commitFrom(BEGINNING, POOL);
    await store.commit(first);
    await refuse(true);
    const removal = {
      changes: [{ kind: 'pool' as const, pool: 'p', before: poolDoc('p'), after: undefined }],
      forgotten: ['a.b'],
    };
    expect(await failureOf(store.commit(commitFrom(positionAfter(first), removal)))).toBe('refused');
    expect(await store.position()).toEqual(positionAfter(first));
  });

  it('that is a replica is refused, and passes when it is the primary again', async () => {
    const { store } = await newStore();
    const first = commitFrom(BEGINNING, POOL);
    await system.redis.config('SET', 'replica-serve-stale-data', 'yes');
    await system.redis.call('REPLICAOF', '127.0.0.1', '1');
    try {
      expect(await failureOf(store.commit(first))).toBe('refused');
    } finally {
      await system.redis.call('REPLICAOF', 'NO', 'ONE');
    }
    expect((await store.position()).seq).toBe(0);
  });

  it('that wants more replicas than there are is refused', async () => {
    const { store } = await newStore();
    await system.redis.config('SET', 'min-replicas-to-write', '1');
    try {
      expect(await failureOf(store.commit(commitFrom(BEGINNING, POOL)))).toBe('refused');
    } finally {
      await system.redis.config('SET', 'min-replicas-to-write', '0');
    }
  });

  it('that has forgotten the script passes', async () => {
    const { store } = await newStore();
    await system.redis.script('FLUSH');
    await store.commit(commitFrom(BEGINNING, POOL));
    expect((await store.position()).seq).toBe(1);
  });

  it('whose position is no hash breaks off before anything is written', async () => {
    const { store, ns } = await newStore();
    await system.redis.set(shardKeys(ns, 0).meta, 'not a hash');
    expect(await failureOf(store.commit(commitFrom(BEGINNING, POOL)))).toBe('broken');
    expect(await system.redis.keys(`${ns}:*`)).toEqual([shardKeys(ns, 0).meta]);
  });

  it('that is gone has no answer', async () => {
    const { store } = await newStore();
    await system.servers.redis.kill('SIGSTOP');
    try {
      expect(await failureOf(store.commit(commitFrom(BEGINNING, POOL)))).toBe('unanswered');
    } finally {
      await system.servers.redis.kill('SIGCONT');
    }
  }, 20_000);
});
