/** A state that was lost comes back from the newest good snapshot and the rest of the log, key for key (I3, I5). */
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import type { StoredSnapshot } from '../../src/bus/snapshot-bucket.ts';
import { rebuild } from '../../src/workers/snapshots/rebuild.ts';
import type { Dump } from '../support/dump-state.ts';
import { firstDifference } from '../support/first-difference.ts';
import { impliedIndexes, indexesOf } from '../support/implied-indexes.ts';
import { expectAllApplied, expectEventsComplete, Load } from '../support/load.ts';
import {
  changeHead,
  changeSeal,
  flipByte,
  positionOf,
  removeChunk,
  sealed,
  snapshotted,
} from '../support/snapshots.ts';
import { NO_SWEEPS, type Space, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';
import { workload } from '../support/workload.ts';

vi.setConfig({ testTimeout: 300_000 });

const system = useSystem();
const SILENT = pino({ level: 'silent' });
const OFTEN = { ...NO_SWEEPS, shards: 1, snapshotEveryMs: 150 };

/** Random traffic of every kind into shard 0. */
async function send(space: Space, seed: number, count: number): Promise<void> {
  const agent = await space.agent('stranger');
  const traffic = workload({ ns: space.ns, seed, count, start: Date.now() });
  for (const [i, { subject, data }] of traffic.entries()) {
    const ack = agent.sendRaw(subject, data);
    if (i % 20 === 0 || i === traffic.length - 1) await ack;
    else void ack.catch(() => undefined);
  }
  await space.applied();
  await space.published();
}

async function removeState({ ns }: Space): Promise<void> {
  const keys = await system.redis.keys(`${ns}:*`);
  await system.redis.del(...keys);
}

it('a lost state comes back from the snapshot and what the log holds after it', async () => {
  const space = system.space(OFTEN);
  const first = await space.worker();
  await send(space, 1, 600);
  const [snapshot] = await snapshotted(space, 0);
  await first.stop();
  const second = await space.worker({ snapshotEveryMs: 3_600_000 });
  await send(space, 2, 300);
  await second.stop();
  const before = await space.state();
  const events = (await space.events()).length;
  await removeState(space);
  const rebuilt = await rebuild(space.config(), { logger: SILENT });
  expect(rebuilt.shards[0]?.from).toEqual({ snapshot: snapshot?.name, position: positionOf(snapshot) });
  expect(positionOf(snapshot)).toBeLessThan(rebuilt.shards[0]?.position ?? 0);
  expect(firstDifference(before, await space.state())).toBeUndefined();
  expect(firstDifference(impliedIndexes(before), indexesOf(before))).toBeUndefined();
  const { digest } = await rebuild(space.config(), { logger: SILENT, force: true, fromLog: true });
  expect(digest).toBe(rebuilt.digest);
  expect(await space.events()).toHaveLength(events);
});

it('is taken under load at one position: replaying the log from there gives what runs', async () => {
  const space = system.space({ ...OFTEN, snapshotEveryDecisions: 1 });
  const worker = await space.worker();
  const agent = await space.agent('ann');
  await agent.decide('commons', { type: 'JoinPool' });
  const load = new Load(agent, ['commons', 'commons', 'commons', 'commons']);
  const positions = new Set<number>();
  for (let i = 0; i < 4; i++) {
    await load.more(400);
    const past = [...positions].at(-1) ?? 0;
    const [newest] = await until('a newer snapshot', async () => {
      const found = await sealed(space, 0);
      return positionOf(found[0]) > past && found;
    });
    positions.add(positionOf(newest));
    if (i % 2 === 0) await system.redis.flushall();
  }
  await expectAllApplied(space, agent, await load.stop());
  await expectEventsComplete(space);
  await worker.stop();
  const before = await space.state();
  for (const snapshot of await sealed(space, 0)) {
    await removeState(space);
    const { shards } = await rebuild(space.config(), { logger: SILENT });
    expect(shards[0]?.from).toMatchObject({ position: positionOf(snapshot) });
    expect(firstDifference(before, await space.state())).toBeUndefined();
    await flipByte(space, snapshot);
  }
});

it('keeps three of a shard, the newest', async () => {
  const space = system.space(OFTEN);
  await space.worker();
  for (let i = 0; i < 5; i++) {
    await send(space, 10 + i, 20);
    await snapshotted(space, 0);
  }
  const kept = await sealed(space, 0);
  const last = await space.lastInLog(0);
  expect(kept).toHaveLength(3);
  expect(kept.map(positionOf).toSorted((a, b) => b - a)).toEqual(kept.map(positionOf));
  expect(positionOf(kept[0])).toBe(last);
});

describe('a running worker whose Redis is emptied', () => {
  it('goes on by itself from the snapshot', async () => {
    const space = system.space(OFTEN);
    await space.worker();
    await send(space, 3, 400);
    await snapshotted(space, 0);
    const before = await space.state();
    await system.redis.flushall();
    await until('the state to be back', async () => (await space.position(0)) > 0);
    await space.applied();
    // Workers that find Redis empty look at the log's clock: its position moves on, and nothing else.
    expect(firstDifference(withoutPositions(before), withoutPositions(await space.state()))).toBeUndefined();
    await send(space, 4, 50);
  });
});

function withoutPositions(state: Dump): Dump {
  return Object.fromEntries(Object.entries(state).filter(([key]) => !key.endsWith(':s:meta')));
}

type Damage = (space: Space, snapshot: StoredSnapshot) => Promise<unknown>;

const DAMAGES: Readonly<Record<string, Damage>> = {
  'a piece is missing': removeChunk,
  'one byte is another': flipByte,
  'its head counts other pieces': (space, snapshot) => changeHead(space, snapshot, (head) => head.chunks++),
  'its head has another digest': (space, snapshot) =>
    changeHead(space, snapshot, (head) => {
      head.digest = `SHA-256=${Buffer.alloc(32, 7).toString('base64')}`;
    }),
  'its seal is gone': (space, snapshot) =>
    changeHead(space, snapshot, (head) => {
      head.metadata = {};
    }),
  'its seal names another position': (space, snapshot) =>
    changeSeal(space, snapshot, (seal) => seal.summary.position.seq--),
  'its seal has another hash of the content': (space, snapshot) =>
    changeSeal(space, snapshot, (seal) => {
      seal.sha256 = 'f'.repeat(64);
    }),
  'its seal is for another content': (space, snapshot) =>
    changeSeal(space, snapshot, (seal) => {
      seal.of = 'other';
    }),
  'its seal counts other things': (space, snapshot) =>
    changeSeal(space, snapshot, (seal) => seal.summary.counts.O++),
  'it comes from another log': (space, snapshot) =>
    changeSeal(space, snapshot, (seal) => {
      seal.summary.position.logIdentity = '2020-01-01T00:00:00Z';
    }),
  'it is of another shard': (space, snapshot) => changeSeal(space, snapshot, (seal) => seal.summary.shard++),
};

describe('a damaged snapshot is noticed, and the one before it used', () => {
  it.each(Object.entries(DAMAGES))('%s', async (_name, damage) => {
    const { space, newest, before, older } = await withTwo();
    await damage(space, newest);
    await removeState(space);
    const { shards } = await rebuild(space.config(), { logger: SILENT });
    expect(shards[0]?.from).toEqual({ snapshot: older.name, position: positionOf(older) });
    expect(firstDifference(before, await space.state())).toBeUndefined();
  });

  it('and when none is good, the whole log', async () => {
    const { space, before } = await withTwo();
    const [newest, ...others] = await sealed(space, 0);
    if (newest !== undefined) await flipByte(space, newest);
    for (const snapshot of others) await removeChunk(space, snapshot);
    await removeState(space);
    const { shards } = await rebuild(space.config(), { logger: SILENT });
    expect(shards[0]?.from).toBe('log');
    expect(firstDifference(before, await space.state())).toBeUndefined();
  });

  async function withTwo(): Promise<{
    space: Space;
    newest: StoredSnapshot;
    older: StoredSnapshot;
    before: unknown;
  }> {
    const space = system.space(OFTEN);
    const worker = await space.worker();
    await send(space, 5, 60);
    await snapshotted(space, 0);
    await send(space, 6, 60);
    await snapshotted(space, 0, 2);
    await worker.stop();
    const [newest, ...others] = await sealed(space, 0);
    const older = others.find((snapshot) => positionOf(snapshot) < positionOf(newest));
    if (newest === undefined || older === undefined) throw new Error('there are no two snapshots');
    return { space, newest, older, before: await space.state() };
  }
});
