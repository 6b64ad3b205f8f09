/** What was trimmed is known for good: whoever writes at the same time, goes back to an older word, or loses everything else. */
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { logIdentityOf } from '../../src/bus/layout.ts';
import { NatsTrimMarks } from '../../src/bus/nats-trim-marks.ts';
import { ensureStreams } from '../../src/bus/streams.ts';
import {
  changeMark,
  genesisMark,
  MOST_NOTED,
  type TrimMark,
  type TrimMarks,
  trimmedBelow,
  withSnapshot,
} from '../../src/bus/trim-marks.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { shardKeys } from '../../src/state/keys.ts';
import { RedisShardStore } from '../../src/state/redis-shard-store.ts';
import { WorkerMetrics } from '../../src/workers/health/metrics.ts';
import { LogTrimmer } from '../../src/workers/snapshots/log-trimmer.ts';
import { natsTrimPorts } from '../../src/workers/snapshots/nats-trim-ports.ts';
import { renewMarks } from '../../src/workers/snapshots/renew-marks.ts';
import type { TrimPorts } from '../../src/workers/snapshots/trim-ports.ts';
import { firstDifference } from '../support/first-difference.ts';
import { bucketOf, sealed, snapshotted } from '../support/snapshots.ts';
import { NO_SWEEPS, type Space, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 300_000 });

const system = useSystem();
const SILENT = pino({ level: 'silent' });
const OFTEN = { ...NO_SWEEPS, snapshotEveryMs: 150 };

const marksOf = ({ ns }: Space): NatsTrimMarks => new NatsTrimMarks(system.jsm, subjects(ns));

async function below(space: Space, shard: number): Promise<number | undefined> {
  return (await marksOf(space).read(shard)).mark?.below;
}

async function trimmer(space: Space, marks: TrimMarks = marksOf(space)): Promise<LogTrimmer> {
  const { ports, trimmed } = await portsOf(space);
  return trimmed({ ...ports, marks });
}

async function portsOf(
  space: Space,
): Promise<{ readonly ports: TrimPorts; readonly trimmed: (ports: TrimPorts) => LogTrimmer }> {
  const { redis, jsm } = system;
  const ports = natsTrimPorts({
    jsm,
    subjects: subjects(space.ns),
    bucket: await bucketOf(space),
    progressOf: (shard) => new RedisShardStore(redis, redis, shardKeys(space.ns, shard)).progress(),
  });
  const { shards } = space;
  const trimmed = (changed: TrimPorts): LogTrimmer =>
    new LogTrimmer({
      ports: changed,
      shards,
      logRetentionMs: 0,
      logger: SILENT,
      metrics: new WorkerMetrics(),
    });
  return { ports, trimmed };
}

/** Tasks in shard 0 and one pool in shard 1; some snapshots of shard 0 at different places; no worker runs. */
async function worked(): Promise<Space> {
  const space = system.space(OFTEN);
  const worker = await space.worker();
  const agent = await space.agent('ann');
  for (const shard of [0, 1]) await agent.decide(space.poolOn(shard), { type: 'CreatePool' });
  for (let i = 0; i < 3; i++) await submit(space, 10);
  await snapshotted(space, 1);
  await worker.stop();
  return space;
}

async function submit(space: Space, count: number): Promise<void> {
  const agent = await space.agent('ann');
  for (let i = 0; i < count; i++) {
    const id = agent.newId();
    await agent.send(space.poolOn(0), { id, type: 'SubmitTask', taskId: id, objective: 'o' });
  }
  await space.applied();
  await snapshotted(space, 0);
}

async function lose({ ns }: Space): Promise<void> {
  const keys = await system.redis.keys(`${ns}:*`);
  if (keys.length > 0) await system.redis.del(...keys);
}

function haltOf(worker: { notReady(): readonly string[] }, shard: number): string | undefined {
  return worker.notReady().find((reason) => reason.includes(`shard ${shard}`) && /halted/.test(reason));
}

describe('a mark', () => {
  it('loses no word of anybody, however many write at once, and below only rises', async () => {
    const space = system.space();
    await ensureStreams(system.jsm, subjects(space.ns), 1, space.config());
    const marks = marksOf(space);
    const points = Array.from({ length: 12 }, (_, i) => 10 * (i + 1));
    await Promise.all([
      ...points.map((point) => changeMark(marks, 0, (mark) => mark && trimmedBelow(mark, point))),
      ...points.map((point) =>
        changeMark(marks, 0, (mark) => mark && withSnapshot(mark, 1_000 + point, point)),
      ),
    ]);
    const { mark } = await marks.read(0);
    expect(mark?.below).toBe(120);
    expect(mark?.marks.map(([seq]) => seq)).toEqual(points.map((point) => 1_000 + point));
    expect(await changeMark(marks, 0, (there) => there && { ...there, below: 3 })).toMatchObject({
      below: 120,
    });
  });

  it('names two hundred snapshots at most, the first and the last among them, spread over the time', () => {
    let mark: TrimMark = genesisMark('log');
    for (let i = 1; i <= 1_000; i++) mark = withSnapshot(mark, i, i * 1_000);
    expect(mark.marks).toHaveLength(MOST_NOTED);
    expect(mark.marks[0]).toEqual([1, 1_000]);
    expect(mark.marks.at(-1)).toEqual([1_000, 1_000_000]);
    const gaps = mark.marks.slice(1).map(([seq], i) => seq - (mark.marks[i]?.[0] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(20);
  });
});

describe('what was trimmed', () => {
  it('is kept while two trim and a third moves a limit of the log', async () => {
    const space = await worked();
    let letGo: () => void = () => undefined;
    const gate = new Promise<void>((open) => {
      letGo = open;
    });
    // It has read the stream, and writes it back when the others are done.
    const slow = new Proxy(system.jsm, {
      get: (target, name) =>
        name !== 'streams'
          ? Reflect.get(target, name)
          : {
              info: (...args: Parameters<typeof target.streams.info>) => target.streams.info(...args),
              add: (...args: Parameters<typeof target.streams.add>) => target.streams.add(...args),
              getMessage: (...args: Parameters<typeof target.streams.getMessage>) =>
                target.streams.getMessage(...args),
              update: async (...args: Parameters<typeof target.streams.update>) => {
                await gate;
                return await target.streams.update(...args);
              },
            },
    });
    const moved = { ...space.config(), logMaxBytes: space.config().logMaxBytes + 1 };
    const third = ensureStreams(slow, subjects(space.ns), space.shards, moved);
    const trimmers = [await trimmer(space), await trimmer(space)];
    const reports = await Promise.all(trimmers.map((each) => each.runOnce()));
    const point = Math.max(...reports.flatMap(({ trimmed }) => trimmed.map((shard) => shard.below)));
    expect(point).toBeGreaterThan(1);
    letGo();
    await third;
    expect((await system.jsm.streams.info(space.stream('DECISIONS'))).config.max_bytes).toBe(
      moved.logMaxBytes,
    );
    expect(await below(space, 0)).toBe(point);
    await expectLossNoticed(space);
  });

  it('is kept when one that was read long ago is written back', async () => {
    const space = await worked();
    const marks = marksOf(space);
    const old = await marks.read(0);
    await (await trimmer(space)).runOnce();
    const point = await below(space, 0);
    expect(await marks.write(0, old.mark ?? genesisMark('x'), old.revision)).toBe(false);
    expect(await below(space, 0)).toBe(point);
  });

  it('is kept when a node comes back with an older configuration of the log', async () => {
    const space = await worked();
    const stream = space.stream('DECISIONS');
    await (await trimmer(space)).runOnce();
    const { config } = await system.jsm.streams.info(stream);
    const identity = logIdentityOf({ config, created: '' });
    const old = [
      `converge layout 2, 2 shards, log ${identity}`,
      `converge layout 2, 2 shards, log ${identity}, trimmed below 2 on 0`,
    ];
    const point = await below(space, 0);
    for (const description of old) {
      await system.jsm.streams.update(stream, { ...config, description });
      await ensureStreams(system.jsm, subjects(space.ns), space.shards, space.config());
      expect(await below(space, 0)).toBe(point);
      expect((await system.jsm.streams.info(stream)).config.description).toBe(config.description);
    }
    await expectLossNoticed(space);
  });

  it('is taken once from the description of an older log, whichever says more', async () => {
    const space = await worked();
    const stream = space.stream('DECISIONS');
    await (await trimmer(space)).runOnce();
    const point = (await below(space, 0)) ?? 0;
    const { config } = await system.jsm.streams.info(stream);
    const identity = logIdentityOf({ config, created: '' });
    await system.jsm.streams.delete(subjects(space.ns).streams.marks);
    // It knows too little: what the log itself shows to be gone counts as well.
    const description = `converge layout 2, 2 shards, log ${identity}, trimmed below 3 on 0`;
    await system.jsm.streams.update(stream, { ...config, description });
    await ensureStreams(system.jsm, subjects(space.ns), space.shards, space.config());
    expect(await below(space, 0)).toBe(point);
    await expectLossNoticed(space);
  });
});

describe('without a mark where a log is', () => {
  it('a good state goes on with an alarm, and nothing is trimmed', async () => {
    const space = await worked();
    await system.jsm.streams.delete(subjects(space.ns).streams.marks);
    const worker = await space.worker({ httpPort: 0, snapshotEveryMs: 150 });
    await until('the alarm', async () =>
      /converge_alarm\{alarm="mark_missing",shard="0"\} 1/.test(
        await (await fetch(`${worker.healthUrl}/metrics`)).text(),
      ),
    );
    await submit(space, 10);
    expect(worker.notReady()).toEqual([]);
    expect((await (await trimmer(space)).runOnce()).removed).toBe(0);
    expect((await system.jsm.streams.info(space.stream('DECISIONS'))).state.first_seq).toBe(1);
    expect(await below(space, 0)).toBeUndefined();
  });

  it('a running worker notices it too, and that the mark is back', async () => {
    const space = await worked();
    const worker = await space.worker({ httpPort: 0, snapshotEveryMs: 3_600_000 });
    const alarms = async () =>
      (await (await fetch(`${worker.healthUrl}/metrics`)).text()).match(/alarm="mark_missing"/g)?.length ?? 0;
    expect(await alarms()).toBe(0);
    await system.jsm.streams.purge(subjects(space.ns).streams.marks);
    await until('the alarm of both shards', async () => (await alarms()) === 2);
    await renewMarks({ jsm: system.jsm, subjects: subjects(space.ns) });
    await until('the alarms to be over', async () => (await alarms()) === 0);
  });

  it('a lost state halts with mark_missing, until somebody says what the log still holds', async () => {
    const space = await worked();
    await (await trimmer(space)).runOnce();
    const point = (await below(space, 0)) ?? 0;
    const before = await space.state();
    await system.jsm.streams.delete(subjects(space.ns).streams.marks);
    await lose(space);
    const worker = await space.worker({ snapshotEveryMs: 3_600_000 });
    await until('the halt', () => haltOf(worker, 0) && haltOf(worker, 1));
    expect(haltOf(worker, 0)).toMatch(/mark_missing/);
    expect(await space.position(0)).toBe(0);
    const renewed = await renewMarks({ jsm: system.jsm, subjects: subjects(space.ns) });
    expect(renewed.find(({ shard }) => shard === 0)).toMatchObject({ below: point, isNew: true });
    await until('the shards to go on', () => worker.notReady().length === 0);
    await space.applied();
    await worker.stop();
    const ofShard0 = (dump: object): unknown =>
      Object.fromEntries(Object.entries(dump).filter(([key]) => key.includes('{0}')));
    expect(firstDifference(ofShard0(before), ofShard0(await space.state()))).toBeUndefined();
  });
});

describe('marks that are lost and made again while a trimmer has said what it will remove', () => {
  /** A trimmer that stands still just before it removes anything, or just before it looks at the mark a last time. */
  async function paused(
    space: Space,
    at: 'the purge' | 'the last look',
  ): Promise<{ readonly reached: Promise<void>; goOn(): Promise<void> }> {
    const reached = signal();
    const gate = signal();
    const stop = async (): Promise<void> => {
      reached.open();
      await gate.opened;
    };
    const { trimmed, ports } = await portsOf(space);
    const before = ports.log;
    const log = {
      identity: (shard: number) => before.identity(shard),
      trim: async (shard: number, point: number) => {
        if (at === 'the purge') await stop();
        return await before.trim(shard, point);
      },
    };
    let asked = 0;
    const marks: TrimMarks = {
      write: (shard, mark, revision) => ports.marks.write(shard, mark, revision),
      // To choose the point, to say it (before and after the mark is written), and at last.
      read: async (shard) => {
        if (at === 'the last look' && shard === 0 && ++asked === 4) await stop();
        return await ports.marks.read(shard);
      },
    };
    const running = trimmed({ ...ports, log, marks }).runOnce();
    return {
      reached: reached.opened,
      goOn: async () => {
        gate.open();
        await running;
      },
    };
  }

  it.each(['the purge', 'the last look'] as const)(
    'a state that is lost is never taken for the beginning of a log that lacks its own: paused before %s',
    async (at) => {
      const space = await worked();
      const trimming = await paused(space, at);
      await trimming.reached;
      await system.jsm.streams.purge(subjects(space.ns).streams.marks);
      const renewed = await renewMarks({ jsm: system.jsm, subjects: subjects(space.ns) });
      expect(renewed.find(({ shard }) => shard === 0)).toMatchObject({ below: 1, isNew: true });
      await trimming.goOn();
      const { first_seq } = (await system.jsm.streams.info(space.stream('DECISIONS'))).state;
      // At the last look it sees that nobody says so any more, and leaves the log as it is.
      expect(first_seq > 1).toBe(at === 'the purge');
      expect((await below(space, 0)) ?? 0).toBeGreaterThanOrEqual(at === 'the purge' ? 2 : 1);
      if (at === 'the purge') await expectLossNoticed(space);
    },
  );

  it('what goes between the two looks of who makes them again is seen by the second', async () => {
    const space = await worked();
    const trimming = await paused(space, 'the purge');
    await trimming.reached;
    await system.jsm.streams.purge(subjects(space.ns).streams.marks);
    let looks = 0;
    const jsm = new Proxy(system.jsm, {
      get: (target, name) =>
        name !== 'streams'
          ? Reflect.get(target, name)
          : new Proxy(target.streams, {
              get: (streams, member) =>
                member !== 'info'
                  ? Reflect.get(streams, member).bind(streams)
                  : async (...args: Parameters<typeof streams.info>) => {
                      const info = await streams.info(...args);
                      // The layout, then the bounds of each shard: all goes when those are known.
                      if (args[0] === space.stream('DECISIONS') && ++looks === space.shards + 1)
                        await trimming.goOn();
                      return info;
                    },
            }),
    });
    await renewMarks({ jsm, subjects: subjects(space.ns) });
    expect((await system.jsm.streams.info(space.stream('DECISIONS'))).state.first_seq).toBeGreaterThan(1);
    expect(await below(space, 0)).toBeGreaterThan(1);
  });
});

async function expectLossNoticed(space: Space): Promise<void> {
  await lose(space);
  await system.jsm.streams.purge(subjects(space.ns).streams.snapshots);
  const worker = await space.worker({ snapshotEveryMs: 3_600_000 });
  await until('the halt', () => haltOf(worker, 0));
  expect(haltOf(worker, 0)).toMatch(/the log has been trimmed/);
}

interface Signal {
  readonly opened: Promise<void>;
  readonly open: () => void;
}

function signal(): Signal {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('where two differ about which log it is', () => {
  it.each(['mark', 'snapshot'])('the shard halts: the %s', async (which) => {
    const space = await worked();
    const marks = marksOf(space);
    if (which === 'mark') {
      const { mark, revision } = await marks.read(0);
      await marks.write(0, { ...(mark ?? genesisMark('')), log: 'another' }, revision);
    } else {
      // State and log of another system under the same name, next to the snapshots of this one.
      const { config } = await system.jsm.streams.info(space.stream('DECISIONS'));
      expect((await sealed(space, 0)).length).toBeGreaterThan(0);
      await lose(space);
      await system.jsm.streams.delete(space.stream('DECISIONS'));
      await system.jsm.streams.delete(subjects(space.ns).streams.marks);
      await system.jsm.streams.add({
        ...config,
        description: (config.description ?? '').replace(/log \w+, marked/, 'log another'),
      });
    }
    const worker = await space.worker({ snapshotEveryMs: 3_600_000 });
    await until('the halt', () => haltOf(worker, 0));
    expect(haltOf(worker, 0)).toMatch(/another/);
    expect(await space.position(0)).toBe(which === 'mark' ? await space.lastInLog(0) : 0);
  });

  it('a log that is gone is not made again while marks, state or snapshots know it', async () => {
    const space = await worked();
    const { decisions, marks } = subjects(space.ns).streams;
    const { config } = await system.jsm.streams.info(decisions);
    await system.jsm.streams.delete(decisions);
    for (const lost of [marks, 'state'] as const) {
      const worker = await space.worker({ snapshotEveryMs: 3_600_000 });
      await until('the halt', () => haltOf(worker, 0));
      expect(haltOf(worker, 0)).toMatch(/the log is gone/);
      await worker.stop();
      if (lost === 'state') await lose(space);
      else await system.jsm.streams.delete(lost);
    }
    const worker = await space.worker({ snapshotEveryMs: 3_600_000 });
    await until('the halt', () => haltOf(worker, 0));
    await expect(system.jsm.streams.info(decisions)).rejects.toThrow(/not found/);
    expect(config.name).toBe(decisions);
  });
});
