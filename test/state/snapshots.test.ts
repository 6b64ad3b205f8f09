/** A copy that is made while the shard is written is the shard at one position, key for key. */
import { describe, expect, it, vi } from 'vitest';
import { ShardLostError, SnapshotDamagedError, SnapshotFailedError } from '../../src/lib/errors.ts';
import { shardKeys } from '../../src/state/keys.ts';
import { connectForCommits, connectForReads, openRedis, type Redis } from '../../src/state/redis.ts';
import { RedisShardStore } from '../../src/state/redis-shard-store.ts';
import type { StoredPosition } from '../../src/state/shard-store.ts';
import { LOST } from '../../src/state/shard-store.ts';
import { ShardCapture } from '../../src/state/snapshots/capture.ts';
import { decodeLine, encodeRecord, type SnapshotLine } from '../../src/state/snapshots/records.ts';
import { ShardRestore } from '../../src/state/snapshots/restore.ts';
import { SnapshotSource } from '../../src/state/snapshots/source.ts';
import { TrackedShardStore } from '../../src/state/snapshots/tracked-store.ts';
import { BEGINNING, commitFrom, pendingTask, poolDoc, positionAfter } from '../support/commits.ts';
import { dumpState } from '../support/dump-state.ts';
import { firstDifference } from '../support/first-difference.ts';
import { MemoryLog, startShard } from '../support/shard.ts';
import { useSystem } from '../support/system.ts';
import { workload } from '../support/workload.ts';

vi.setConfig({ testTimeout: 300_000 });

const system = useSystem({ redis: { appendOnly: false } });
const EMPTY: StoredPosition = { seq: 0, hash: undefined, logIdentity: undefined };
let spaces = 0;

interface Copied {
  readonly ns: string;
  readonly store: TrackedShardStore;
  readonly plain: RedisShardStore;
  capture(): ShardCapture;
}

async function opened(connect: (url: string) => Redis): Promise<Redis> {
  const redis = await openRedis(connect(system.servers.redis.url));
  system.onEndOfTest(async () => redis.disconnect());
  return redis;
}

async function newShard(): Promise<Copied> {
  const ns = `copy-${spaces++}`;
  const keys = shardKeys(ns, 0);
  const commits = await opened(connectForCommits);
  const reads = await opened(connectForReads);
  const plain = new RedisShardStore(commits, reads, keys);
  const store = new TrackedShardStore(plain);
  const source = new SnapshotSource(reads, keys);
  const place = { namespace: ns, shard: 0, shards: 1 };
  const capture = (): ShardCapture =>
    new ShardCapture({ store, source, ...place, quotedFrom: () => undefined });
  return { ns, store, plain, capture };
}

function linesOf(text: string): SnapshotLine[] {
  return text.split('\n').slice(0, -1).map(decodeLine);
}

async function begin(ns: string, seen = EMPTY, token = 'token'): Promise<ShardRestore> {
  const keys = shardKeys(ns, 0);
  return await ShardRestore.begin(system.redis, keys, new SnapshotSource(system.redis, keys), seen, token);
}

async function restore(ns: string, lines: readonly SnapshotLine[]): Promise<void> {
  const restoring = await begin(ns);
  for (const line of lines) {
    if (line.is === 'record') await restoring.add(line.record);
    else if (line.is === 'replacements') await restoring.replace();
    else await restoring.finish(line.summary);
  }
}

/** What a namespace holds, without its name. */
async function stateOf(ns: string): Promise<unknown> {
  const dump = await dumpState(system.redis, ns);
  return Object.fromEntries(Object.entries(dump).map(([key, value]) => [key.slice(ns.length), value]));
}

describe.each([1, 2, 3, 4, 5, 6])('copied while random traffic %i is applied', (seed) => {
  it('it is what the shard is when the last of it is read', async () => {
    const { ns, store, capture } = await newShard();
    const traffic = workload({ ns, seed, count: 1_000, sweeps: seed % 2 === 0 ? 0.06 : 0.01 });
    const log = new MemoryLog();
    const shard = await startShard(system, { ns, log, store, maxBatch: 20 });
    const more = async (count: number): Promise<void> => {
      for (const message of traffic.slice(log.messages.length, log.messages.length + count))
        log.append(message);
      await shard.applied();
    };
    await more(400);
    const copy = capture();
    let text = '';
    for await (const piece of copy.text()) {
      text += piece;
      // The last piece is of one moment: what is written after it is not in it.
      if (!text.includes('\nZ ')) await more(Math.min(25, 900 - log.messages.length));
    }
    const { position } = copy.captured.summary;
    expect(position.seq).toBe(log.lastSeq);
    await shard.stop();
    await restore(`${ns}-back`, linesOf(text));
    expect(firstDifference(await stateOf(ns), await stateOf(`${ns}-back`))).toBeUndefined();
  });
});

describe('a copy is given up', () => {
  async function copyOfOne(): Promise<Copied & { readonly after: StoredPosition }> {
    const shard = await newShard();
    const commit = commitFrom(BEGINNING, {
      changes: [{ kind: 'pool', pool: 'p', before: undefined, after: poolDoc('p') }],
    });
    await shard.store.commit(commit);
    return { ...shard, after: positionAfter(commit) };
  }

  async function take({ capture }: Copied, meanwhile: () => Promise<unknown>): Promise<void> {
    let isDone = false;
    for await (const _piece of capture().text()) {
      if (!isDone) await meanwhile();
      isDone = true;
    }
  }

  it('when another worker writes meanwhile', async () => {
    const shard = await copyOfOne();
    const taking = take(shard, () => shard.plain.commit(commitFrom(shard.after)));
    await expect(taking).rejects.toThrow(SnapshotFailedError);
  });

  it('when the store is emptied meanwhile', async () => {
    const shard = await copyOfOne();
    const taking = take(shard, () => system.redis.del(shardKeys(shard.ns, 0).meta));
    await expect(taking).rejects.toThrow(SnapshotFailedError);
  });

  it('when a commit of the owner fails meanwhile', async () => {
    const shard = await copyOfOne();
    const wrong = { ...shard.after, hash: 'another' };
    const taking = take(shard, () =>
      expect(shard.store.commit(commitFrom(wrong))).rejects.toThrow(ShardLostError),
    );
    await expect(taking).rejects.toThrow(SnapshotFailedError);
  });

  it('when the owner loads the shard anew, or stops', async () => {
    const shard = await copyOfOne();
    await expect(take(shard, () => shard.store.load())).rejects.toThrow(/was reloaded/);
    const stopping = take(shard, async () => shard.store.abandonCopy('the worker is stopping'));
    await expect(stopping).rejects.toThrow(/worker is stopping/);
  });

  it('when there is nothing to copy, or another copy is under way', async () => {
    await expect(take(await newShard(), async () => undefined)).rejects.toThrow(/holds nothing/);
    const shard = await copyOfOne();
    await take(shard, () => expect(take(shard, async () => undefined)).rejects.toThrow(/already/));
    await take(shard, async () => undefined);
  });
});

describe('a restoration', () => {
  const task = (id: string): SnapshotLine => ({
    is: 'record',
    record: { id: `T p ${id}`, value: JSON.stringify(pendingTask('p', id)) },
  });

  it('lets nobody commit while it goes on', async () => {
    const { ns, store } = await newShard();
    await begin(ns);
    expect((await store.position()).seq).toBe(LOST);
    await expect(store.commit(commitFrom(BEGINNING))).rejects.toThrow(ShardLostError);
  });

  it('removes what was there, and is taken over by the next one', async () => {
    const { ns, store } = await newShard();
    const commit = commitFrom(BEGINNING, {
      changes: [{ kind: 'task', pool: 'p', before: undefined, after: pendingTask('p', 'old') }],
    });
    await store.commit(commit);
    const first = await begin(ns, positionAfter(commit), 'first');
    const second = await begin(ns, { ...(await store.position()) }, 'second');
    const line = task('t');
    if (line.is === 'record') await first.add(line.record);
    await expect(first.replace()).rejects.toThrow(ShardLostError);
    await second.giveUp();
    expect(await stateOf(ns)).toEqual({});
    expect((await store.position()).seq).toBe(0);
  });

  it('does not begin where the shard does not stand', async () => {
    const { ns, store } = await newShard();
    await store.commit(commitFrom(BEGINNING));
    await expect(begin(ns)).rejects.toThrow(ShardLostError);
  });

  it('does not end when less came back than there was', async () => {
    const { ns, store, capture } = await newShard();
    await store.commit(
      commitFrom(BEGINNING, {
        changes: [
          { kind: 'pool', pool: 'p', before: undefined, after: poolDoc('p') },
          { kind: 'task', pool: 'p', before: undefined, after: pendingTask('p', 't') },
        ],
      }),
    );
    let text = '';
    for await (const piece of capture().text()) text += piece;
    const lines = linesOf(text).filter((line) => line.is !== 'record' || !line.record.id.startsWith('T'));
    await expect(restore(`${ns}-back`, lines)).rejects.toThrow(SnapshotDamagedError);
    expect((await system.redis.hget(shardKeys(`${ns}-back`, 0).meta, 'seq')) ?? '').toBe('-1');
  });
});

describe('a line of a snapshot', () => {
  it.each(['', 'X p {}', 'T p', 'T', '-T p', '-T p t more', 'Z {}', 'Z not JSON', '-', 'E p auction'])(
    'that nobody wrote is refused: %j',
    (line) => {
      expect(() => decodeLine(line)).toThrow(SnapshotDamagedError);
    },
  );

  it('is read as it was written', () => {
    for (const record of [
      { id: 'P p', value: '{"a":"b c"}' },
      { id: 'E p vote v-1', value: '{"x":" =\\n"}' },
      { id: 'O ann.d-1', value: undefined },
      { id: 'B 12', value: JSON.stringify('R a.b\nE x y {}') },
    ]) {
      expect(decodeLine(encodeRecord(record).slice(0, -1))).toEqual({ is: 'record', record });
    }
  });
});
