/** FLEET §5: the log and the events in several streams, shard modulo their number. */
import { describe, expect, it } from 'vitest';
import { subjectsOfStream } from '../../src/bus/whole-stream.ts';
import { acceptedOrThrow, type ConvergeClient, connect, type EventOptions } from '../../src/client/index.ts';
import { ConfigurationError } from '../../src/lib/errors.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { stateDigest } from '../../src/state/digest.ts';
import { rebuild } from '../../src/workers/snapshots/rebuild.ts';
import { NO_SWEEPS, type Space, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem();
const SPREAD = { ...NO_SWEEPS, shards: 6, logStreams: 3 };

async function client(space: Space): Promise<ConvergeClient> {
  const made = await connect({ url: system.servers.nats.url, namespace: space.ns, agent: 'ann' });
  system.onEndOfTest(() => made.close());
  return made;
}

/** A pool on every shard, and some tasks in each. */
async function filled(space: Space, ann: ConvergeClient, tasks = 3): Promise<string[]> {
  const pools = Array.from({ length: space.shards }, (_, shard) => space.poolOn(shard));
  for (const pool of pools) {
    acceptedOrThrow(await ann.decide(pool, { type: 'CreatePool' }));
    for (let n = 0; n < tasks; n++)
      acceptedOrThrow(await ann.decide(pool, { type: 'SubmitTask', taskId: `t${n}`, objective: 'o' }));
  }
  return pools;
}

async function take(ann: ConvergeClient, options: EventOptions, count: number) {
  const feed = ann.events(options);
  const ids: string[] = [];
  const positions: (string | undefined)[] = [];
  for await (const { id } of feed) {
    ids.push(id);
    positions.push(feed.position);
    if (ids.length >= count) break;
  }
  return { ids, positions };
}

describe('a system whose log is in three streams', () => {
  it('has each shard in one of them, and its events in the stream beside it', async () => {
    const space = system.space(SPREAD);
    const { layout } = await space.worker();
    expect(new Set(layout.logs).size).toBe(3);
    const names = subjects(space.ns, 3);
    const upper = space.ns.toUpperCase();
    expect(names.logStreams).toEqual([`${upper}_DECISIONS`, `${upper}_DECISIONS_1`, `${upper}_DECISIONS_2`]);
    await filled(space, await client(space));
    for (const [index, stream] of names.logStreams.entries()) {
      const held = [...(await subjectsOfStream(system.jsm, stream, '>')).keys()];
      expect(new Set(held.map((subject) => Number(subject.split('.')[2]) % 3))).toEqual(new Set([index]));
    }
    for (const [index, stream] of names.eventStreams.entries()) {
      const held = [...(await subjectsOfStream(system.jsm, stream, '>')).keys()];
      expect(new Set(held.map((subject) => Number(subject.split('.')[2]) % 3))).toEqual(new Set([index]));
    }
    const { config } = await system.jsm.streams.info(names.logOf(1));
    expect(config.max_bytes).toBe(Math.floor(space.config().logMaxBytes / 3));
  });

  it('gives a feed of a pool, and a feed of all pools, which goes on from its position', async () => {
    const space = system.space(SPREAD);
    await space.worker();
    const ann = await client(space);
    const pools = await filled(space, ann);
    for (const pool of pools) {
      const { ids } = await take(ann, { pool, start: 'all' }, 4);
      expect(new Set(ids).size).toBe(4);
    }
    const all = await take(ann, { start: 'all' }, 24);
    expect(new Set(all.ids).size).toBe(24);
    for (const at of [0, 7, 22]) {
      const rest = await take(ann, { start: { after: all.positions[at] ?? '' } }, 23 - at);
      expect(new Set([...all.ids.slice(0, at + 1), ...rest.ids])).toEqual(new Set(all.ids));
    }
  });

  it('is rebuilt from its streams', async () => {
    const space = system.space(SPREAD);
    const worker = await space.worker();
    await filled(space, await client(space));
    await space.published();
    await worker.stop();
    const digest = await stateDigest(system.redis, space.ns, space.shards);
    const rebuilt = await rebuild(space.config(), { force: true });
    expect(rebuilt.digest).toEqual(digest);
  });

  it('H60: refuses workers that say another number', async () => {
    const space = system.space(SPREAD);
    await (await space.worker()).stop();
    for (const logStreams of [1, 2, 6]) {
      const other = space.worker({ logStreams });
      await expect(other).rejects.toThrow(ConfigurationError);
      await expect(other).rejects.toThrow(
        /one of 3 of the log, the configuration says \d \(CONVERGE_LOG_STREAMS\)/,
      );
    }
    await expect(space.worker({ logStreams: 7 })).rejects.toThrow(/cannot be spread over 7 streams/);
  });

  it('H60: does not make one anew that is gone: its shards halt, and the others work on', async () => {
    const space = system.space(SPREAD);
    const worker = await space.worker();
    const ann = await client(space);
    const pools = await filled(space, ann);
    await worker.stop();
    const gone = subjects(space.ns, 3).logOf(1);
    await system.jsm.streams.delete(gone);
    const next = await space.worker();
    await until('shards 1 and 4 to halt', async () => {
      const { shards } = await ann.query('stats', {});
      return shards.every(({ shard, halted }) => (halted !== undefined) === (shard % 3 === 1));
    });
    expect(next.notReady().some((reason) => reason.startsWith('shard_halted'))).toBe(true);
    for (const pool of pools.filter((_pool, shard) => shard % 3 !== 1))
      acceptedOrThrow(await ann.decide(pool, { type: 'SubmitTask', taskId: 'more', objective: 'o' }));
    await expect(system.jsm.streams.info(gone)).rejects.toThrow('stream not found');
  });
});
