import { expect, it } from 'vitest';
import type { DocumentChange } from '../../src/protocol/document-change.ts';
import { isTask } from '../../src/protocol/entities.ts';
import { shardKeys } from '../../src/state/keys.ts';
import { connectForCommits, connectForReads, openRedis } from '../../src/state/redis.ts';
import { RedisShardStore } from '../../src/state/redis-shard-store.ts';
import type { ShardStore, StoredShard } from '../../src/state/shard-store.ts';
import { DIRECT_LINK } from '../../verify/sim/memory/link.ts';
import { MemoryShard } from '../../verify/sim/memory/shard.ts';
import { memoryShardStore } from '../../verify/sim/memory/shard-store.ts';
import { BEGINNING, commitFrom, completedTask, positionAfter } from '../support/commits.ts';
import { keysOf } from '../support/dump-state.ts';
import { MemoryLog, startShard } from '../support/shard.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';
import { workload } from '../support/workload.ts';
import { shardStoreContract } from './shard-store.contract.ts';

const system = useSystem({ redis: { appendOnly: false } });
let shards = 0;

async function newStore(): Promise<ShardStore> {
  const { url } = system.servers.redis;
  const [commits, reads] = [await openRedis(connectForCommits(url)), await openRedis(connectForReads(url))];
  system.onEndOfTest(async () => {
    commits.disconnect();
    reads.disconnect();
  });
  return new RedisShardStore(commits, reads, shardKeys(`store-${shards++}`, 0));
}

shardStoreContract(newStore);

/** With one order, whatever order the store gives them in. */
function ordered({ pools, ...shard }: StoredShard): object {
  const byName = <T>(list: readonly T[]): string[] => list.map((each) => JSON.stringify(each)).sort();
  return {
    ...shard,
    pools: pools
      .map(({ members, offers, entities, ...pool }) => ({
        ...pool,
        members: byName(members),
        offers: byName(offers),
        entities: byName(entities),
      }))
      .sort((a, b) => (a.doc.pool < b.doc.pool ? -1 : 1)),
  };
}

it.each([1, 2, 3])('keeps of a log what the store in memory keeps of it: seed %i', async (seed) => {
  const ns = `store-${shards++}`;
  const log = new MemoryLog();
  for (const message of workload({ ns, seed, count: 600, sweeps: 0.1, operated: seed === 3 }))
    log.append(message);
  const real = await startShard(system, { ns, log, maxBatch: 7 });
  await real.applied();
  const memory = new MemoryShard();
  const store = memoryShardStore(DIRECT_LINK, memory);
  const other = await startShard(system, { ns, log, store, maxBatch: 16 });
  await until('the store in memory to have all of it', () => memory.position().seq === log.lastSeq);
  await other.stop();
  const stored = await real.store.load();
  expect(ordered(await store.load())).toEqual(ordered(stored));
  const pools = stored.pools.map(({ doc }) => doc.pool);
  const [ofMemory, ofRedis] = [await store.oldest(pools, 50, 500), await real.store.oldest(pools, 50, 500)];
  expect(ofMemory).toEqual(ofRedis);
  const keys = log.messages.flatMap(({ subject, data }) => {
    const id = /^\{"id":"([^"]+)"/.exec(Buffer.from(data).toString())?.[1];
    return id === undefined ? [] : [`${subject.split('.').at(-1)}.${id}`];
  });
  expect(await store.outcomes(keys)).toEqual(await real.store.outcomes(keys));
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
  expect(await system.redis.hkeys(`${ns}:{0}:s:outcomes`)).toEqual([`_shard._sweeper.d${id - 1}`]);
});

it('what a batch names that has ended is read in pieces of 8 MiB, each once, without what it contained', async () => {
  const { url } = system.servers.redis;
  const [commits, reads] = [await openRedis(connectForCommits(url)), await openRedis(connectForReads(url))];
  system.onEndOfTest(async () => {
    commits.disconnect();
    reads.disconnect();
  });
  const keys = shardKeys(`store-${shards++}`, 0);
  let pieces = 0;
  const store = new RedisShardStore(commits, reads, keys, () => pieces++);
  const inputs = 'x'.repeat(200_000);
  let position = BEGINNING;
  for (let from = 0; from < 120; from += 40) {
    const tasks = Array.from({ length: 40 }, (_, i) => ({
      ...completedTask('p', `t-${from + i}`, from + i),
      inputs,
    }));
    const changes = tasks.map(
      (after): DocumentChange => ({ kind: 'task', pool: 'p', before: undefined, after }),
    );
    const commit = commitFrom(position, { changes });
    await store.commit(commit);
    position = positionAfter(commit);
  }
  const ids = Array.from({ length: 150 }, (_, i) => `t-${i}`);
  const refs = ids.map((id) => ({ kind: 'task', id }) as const);
  pieces = 0;
  const found = await store.lookup({ outcomes: [], entities: new Map([['p', refs]]) });
  expect(pieces).toBe(3);
  expect(found.position).toEqual(position);
  expect(found.entities.map((task) => isTask(task) && task.taskId)).toEqual(ids.slice(0, 120));
  expect(JSON.stringify(found.entities).length).toBeLessThan(120 * 1_000);
});
