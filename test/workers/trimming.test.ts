/** The log is trimmed below verified snapshots only, and what is left gives the state back (I1, I3, I5). */
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { NatsTrimMarks } from '../../src/bus/nats-trim-marks.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { shardKeys } from '../../src/state/keys.ts';
import { RedisShardStore } from '../../src/state/redis-shard-store.ts';
import { WorkerMetrics } from '../../src/workers/health/metrics.ts';
import { LogTrimmer, type TrimReport } from '../../src/workers/snapshots/log-trimmer.ts';
import { natsTrimPorts } from '../../src/workers/snapshots/nats-trim-ports.ts';
import { rebuild } from '../../src/workers/snapshots/rebuild.ts';
import { firstDifference } from '../support/first-difference.ts';
import { untilMetrics } from '../support/metrics.ts';
import type { RawAgent } from '../support/raw-agent.ts';
import { bucketOf, flipByte, positionOf, removeChunk, sealed, snapshotted } from '../support/snapshots.ts';
import { NO_SWEEPS, type Space, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 300_000 });

const system = useSystem();
const SILENT = pino({ level: 'silent' });
const OFTEN = { ...NO_SWEEPS, snapshotEveryMs: 150 };
const AT_ONCE = 0;

async function submit(space: Space, agent: RawAgent, shard: number, count: number): Promise<void> {
  const pool = space.poolOn(shard);
  for (let i = 0; i < count; i++) {
    const id = agent.newId();
    await agent.send(pool, { id, type: 'SubmitTask', taskId: id, objective: 'o' });
  }
  await space.applied();
  await space.published();
}

async function createPools(space: Space, agent: RawAgent): Promise<void> {
  for (const shard of [0, 1]) {
    const { status } = await agent.decide(space.poolOn(shard), { type: 'CreatePool' });
    expect(status).toBe('accepted');
  }
}

async function trimmerOf(space: Space, logRetentionMs = AT_ONCE): Promise<LogTrimmer> {
  return new LogTrimmer({
    ports: natsTrimPorts({
      jsm: system.jsm,
      subjects: subjects(space.ns),
      bucket: await bucketOf(space),
      progressOf: (shard) =>
        new RedisShardStore(system.redis, system.redis, shardKeys(space.ns, shard)).progress(),
    }),
    shards: space.shards,
    logRetentionMs,
    logger: SILENT,
    metrics: new WorkerMetrics(),
  });
}

async function trim(space: Space, logRetentionMs = AT_ONCE): Promise<TrimReport> {
  return await (await trimmerOf(space, logRetentionMs)).runOnce();
}

async function markOf(space: Space, shard: number) {
  return (await new NatsTrimMarks(system.jsm, subjects(space.ns)).read(shard)).mark;
}

/** Positions that the log still holds of a shard. */
async function left(space: Space, shard: number): Promise<number[]> {
  const stream = space.stream('DECISIONS');
  const { state } = await system.jsm.streams.info(stream);
  const found: number[] = [];
  for (let seq = 1; seq <= state.last_seq; seq++) {
    const message = await system.jsm.streams.getMessage(stream, { seq }).catch(() => null);
    if (message?.subject.startsWith(`${space.ns}.decisions.${shard}.`)) found.push(seq);
  }
  return found;
}

async function removeState({ ns }: Space): Promise<void> {
  const keys = await system.redis.keys(`${ns}:*`);
  if (keys.length > 0) await system.redis.del(...keys);
}

/** A space with a trimmed log of shard 0: two snapshots at different places, and something after the newer one. */
async function trimmedSpace(): Promise<{
  space: Space;
  before: object;
  agent: RawAgent;
  points: readonly number[];
}> {
  const space = system.space(OFTEN);
  const worker = await space.worker();
  const agent = await space.agent('ann');
  await createPools(space, agent);
  for (let i = 0; i < 3; i++) {
    await submit(space, agent, 0, 12);
    await snapshotted(space, 0);
  }
  await worker.stop();
  const points = (await sealed(space, 0)).map(positionOf);
  await system.jsm.streams.info(space.stream('DECISIONS'));
  const quiet = await space.worker({ snapshotEveryMs: 3_600_000 });
  await submit(space, agent, 0, 7);
  await quiet.stop();
  const { trimmed } = await trim(space);
  expect(trimmed.find(({ shard }) => shard === 0)?.below).toBe(Math.min(...points));
  return { space, before: await space.state(), agent, points };
}

describe('trimming', () => {
  it('removes what lies below the oldest kept snapshot, and keeps the message at its position', async () => {
    const { space, points } = await trimmedSpace();
    const kept = await left(space, 0);
    expect(kept[0]).toBe(Math.min(...points));
    expect(kept.at(-1)).toBe(await space.lastInLog(0));
    expect((await trim(space)).removed).toBe(0);
  });

  it('touches no other shard: what that has not in two snapshots stays whole', async () => {
    const space = system.space(OFTEN);
    // All snapshots are of the end: one that was taken in between would keep what follows it.
    const quiet = await space.worker({ snapshotEveryMs: 3_600_000 });
    const agent = await space.agent('ann');
    await createPools(space, agent);
    await submit(space, agent, 1, 5);
    await submit(space, agent, 0, 5);
    await quiet.stop();
    const worker = await space.worker();
    await snapshotted(space, 0, 2);
    await snapshotted(space, 1, 2);
    await worker.stop();
    for (const snapshot of await sealed(space, 1)) {
      await system.jsm.streams.purge(subjects(space.ns).streams.snapshots, {
        filter: subjects(space.ns).snapshotHeads.replace(
          '>',
          Buffer.from(snapshot.name).toString('base64url'),
        ),
      });
    }
    expect(await sealed(space, 1)).toEqual([]);
    const before = await left(space, 1);
    const { trimmed } = await trim(space);
    expect(trimmed.map(({ shard }) => shard)).toEqual([0]);
    expect(await left(space, 1)).toEqual(before);
    expect(await left(space, 0)).toEqual([await space.lastInLog(0)]);
  });

  it('keeps what is younger than the retention, by the log time that snapshots have noted', async () => {
    const space = system.space(OFTEN);
    const worker = await space.worker();
    const agent = await space.agent('ann');
    await createPools(space, agent);
    await submit(space, agent, 0, 10);
    await snapshotted(space, 0);
    for (let i = 0; i < 5; i++) {
      await submit(space, agent, 0, 5);
      await snapshotted(space, 0);
    }
    await worker.stop();
    const oldest = Math.min(...(await sealed(space, 0)).map(positionOf));
    const marks = (await until('the last snapshot to be noted', () => markOf(space, 0)))?.marks ?? [];
    const now = Number(await system.redis.hget(shardKeys(space.ns, 0).meta, 'now'));
    const usable = marks.filter(([seq]) => seq < oldest);
    expect(usable.length).toBeGreaterThan(1);
    // Just too young, each of them; then old enough, the first and then the last.
    const [first, last] = [usable[0], usable.at(-1)];
    if (first === undefined || last === undefined) throw new Error('nothing is noted');
    expect((await trim(space, now - first[1] + 1)).removed).toBe(0);
    await trim(space, now - last[1]);
    expect((await left(space, 0))[0]).toBe(last[0]);
  });

  it('removes nothing while a shard is behind, or its state is gone', async () => {
    const { space } = await trimmedSpace();
    const before = await left(space, 0);
    await removeState(space);
    expect((await trim(space)).removed).toBe(0);
    expect(await left(space, 0)).toEqual(before);
  });

  it('makes room in a log that was full', async () => {
    const space = system.space({ ...OFTEN, shards: 1, logMaxBytes: 1_048_576 });
    const worker = await space.worker();
    const agent = await space.agent('ann');
    const objective = 'o'.repeat(16_000);
    const submitLarge = async (): Promise<void> => {
      const id = agent.newId();
      await agent.send('commons', { id, type: 'SubmitTask', taskId: id, objective });
    };
    const fill = async (): Promise<void> => {
      for (;;) await submitLarge();
    };
    // The server refuses, or the worker has closed the log a little before it would.
    await expect(fill()).rejects.toThrow(/maximum (bytes|allowed)/);
    await space.applied();
    await snapshotted(space, 0, 2);
    await trim(space);
    await until('the log to be open again', () =>
      submitLarge().then(
        () => true,
        () => false,
      ),
    );
    await space.applied();
    await worker.stop();
  });

  it('is done by the sweeper of a running system', async () => {
    const space = system.space({ snapshotEveryMs: 150, logRetentionMs: 0 });
    const worker = await space.worker({ httpPort: 0 });
    const agent = await space.agent('ann');
    await createPools(space, agent);
    await submit(space, agent, 0, 30);
    await until('the log to be trimmed', async () => {
      const { state } = await system.jsm.streams.info(space.stream('DECISIONS'));
      return state.messages < 10;
    });
    await untilMetrics(worker, /^converge_log_trimmed_total (2[1-9]|[3-9]\d|\d{3,})$/m);
    await submit(space, agent, 0, 5);
    expect(worker.notReady()).toEqual([]);
  });
});

describe('from a trimmed log', () => {
  it('the state is rebuilt as it was', async () => {
    const { space, before, points } = await trimmedSpace();
    await removeState(space);
    const { shards } = await rebuild(space.config(), { logger: SILENT });
    expect(shards[0]?.from).toMatchObject({ position: Math.max(...points) });
    expect(firstDifference(before, await space.state())).toBeUndefined();
  });

  it('it is so with each of the kept snapshots, when those after it are damaged', async () => {
    const { space, before, points } = await trimmedSpace();
    expect(points.length).toBe(3);
    for (const point of points) {
      await removeState(space);
      const { shards } = await rebuild(space.config(), { logger: SILENT });
      expect(shards[0]?.from).toMatchObject({ position: point });
      expect(firstDifference(before, await space.state())).toBeUndefined();
      const newest = (await sealed(space, 0)).find((snapshot) => positionOf(snapshot) === point);
      if (newest !== undefined) await flipByte(space, newest);
    }
  });

  it('a worker recovers by itself, in a restarted server too', async () => {
    const { space, before, agent } = await trimmedSpace();
    await system.servers.nats.restart();
    await until('the connection to NATS', async () => (await system.nats.rtt()) > 0);
    await removeState(space);
    await space.worker({ snapshotEveryMs: 3_600_000 });
    await space.applied();
    expect(firstDifference(before, await space.state())).toBeUndefined();
    await submit(space, agent, 0, 3);
    await submit(space, agent, 1, 3);
  });

  it('a state that is older than what was trimmed is replaced by the snapshot', async () => {
    const space = system.space({ ...OFTEN, shards: 1 });
    const worker = await space.worker();
    const agent = await space.agent('ann');
    await agent.decide('commons', { type: 'JoinPool' });
    await submit(space, agent, 0, 5);
    await worker.stop();
    const old = await dumpRaw(space);
    const second = await space.worker();
    await submit(space, agent, 0, 20);
    await snapshotted(space, 0, 2);
    await submit(space, agent, 0, 20);
    await snapshotted(space, 0, 3);
    await submit(space, agent, 0, 20);
    await snapshotted(space, 0, 3);
    await second.stop();
    await trim(space);
    const before = await space.state();
    await removeState(space);
    await restoreRaw(old);
    expect(await space.position(0)).toBeLessThan((await left(space, 0))[0] ?? 0);
    await space.worker({ snapshotEveryMs: 3_600_000 });
    await space.applied();
    expect(firstDifference(before, await space.state())).toBeUndefined();
  });

  it('without any good snapshot the shard halts, says why, and goes on when there is one', async () => {
    const { space, agent, before } = await trimmedSpace();
    const [newest, ...others] = await sealed(space, 0);
    if (newest === undefined) throw new Error('there is no snapshot');
    for (const snapshot of others) await removeChunk(space, snapshot);
    await flipByte(space, newest);
    await removeState(space);
    await expect(rebuild(space.config(), { logger: SILENT })).rejects.toThrow(
      /trimmed.*no snapshot is usable/s,
    );
    await expect(rebuild(space.config(), { logger: SILENT, force: true, fromLog: true })).rejects.toThrow(
      /has been trimmed/,
    );
    await removeState(space);
    const worker = await space.worker({ snapshotEveryMs: 3_600_000 });
    await until('the halt', () =>
      worker.notReady().some((reason) => reason.startsWith('shard_halted: shard 0')),
    );
    expect(worker.notReady().join()).toMatch(/of \d+ chunks/);
    // Shard 1 was never trimmed, and works.
    await submitTo(space, agent, 1);
    await flipByte(space, newest);
    await until('the shard to go on', () => worker.notReady().length === 0);
    await space.applied();
    await worker.stop();
    const after = await space.state();
    const ofShard0 = (dump: object): unknown =>
      Object.fromEntries(Object.entries(dump).filter(([key]) => key.includes('{0}')));
    expect(firstDifference(ofShard0(before), ofShard0(after))).toBeUndefined();
  });

  it('a shard of which nothing was ever in the log begins although others were trimmed', async () => {
    const space = system.space({ ...OFTEN, shards: 4 });
    const worker = await space.worker();
    const agent = await space.agent('ann');
    for (const shard of [0, 1]) await agent.decide(space.poolOn(shard), { type: 'CreatePool' });
    await submit(space, agent, 0, 10);
    await submit(space, agent, 1, 10);
    for (const shard of [0, 1]) await snapshotted(space, shard, 2);
    await worker.stop();
    await trim(space);
    const below = await Promise.all([0, 1, 2, 3].map(async (shard) => (await markOf(space, shard))?.below));
    expect(below.map((point) => (point ?? 0) > 1)).toEqual([true, true, false, false]);
    await removeState(space);
    await space.worker({ snapshotEveryMs: 3_600_000 });
    expect((await agent.decide(space.poolOn(2), { type: 'CreatePool' })).status).toBe('accepted');
    expect((await agent.decide(space.poolOn(3), { type: 'CreatePool' })).status).toBe('accepted');
  });

  it('a log that lost its beginning otherwise is not taken for a trimmed one', async () => {
    const space = system.space(OFTEN);
    const worker = await space.worker({ snapshotEveryMs: 3_600_000 });
    const agent = await space.agent('ann');
    await createPools(space, agent);
    await submit(space, agent, 0, 5);
    await worker.stop();
    await system.jsm.streams.purge(space.stream('DECISIONS'), { seq: 4 });
    await removeState(space);
    await expect(rebuild(space.config(), { logger: SILENT })).rejects.toThrow(/the log begins at 4/);
  });
});

async function submitTo(space: Space, agent: RawAgent, shard: number): Promise<void> {
  const id = agent.newId();
  const { status } = await agent.decide(space.poolOn(shard), {
    ...{ id, type: 'SubmitTask', taskId: id, objective: 'o' },
  });
  expect(status).toBe('accepted');
}

async function dumpRaw({ ns }: Space): Promise<[string, Buffer][]> {
  const keys = await system.redis.keys(`${ns}:{*}:[sr]:*`);
  const dumped: [string, Buffer][] = [];
  for (const key of keys) {
    const bytes = await system.redis.dumpBuffer(key);
    if (bytes !== null) dumped.push([key, bytes]);
  }
  return dumped;
}

async function restoreRaw(dumped: readonly [string, Buffer][]): Promise<void> {
  for (const [key, bytes] of dumped) await system.redis.restore(key, 0, bytes);
}
