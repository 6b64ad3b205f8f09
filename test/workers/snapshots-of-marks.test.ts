/**
 * A snapshot that is taken while marks stand of which most has not been told: what is owed is in it, a state that comes back
 * from it is the one of the log, key for key, and goes on where that was. Nothing is told twice.
 */
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { SHARD_POOL, SWEEPER } from '../../src/protocol/names.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { shardKeys } from '../../src/state/keys.ts';
import { rebuild } from '../../src/workers/snapshots/rebuild.ts';
import type { Dump } from '../support/dump-state.ts';
import { firstDifference } from '../support/first-difference.ts';
import { impliedIndexes, indexesOf } from '../support/implied-indexes.ts';
import { positionOf, sealed } from '../support/snapshots.ts';
import { type Event, NO_SWEEPS, type Space, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 300_000 });

const system = useSystem();
const SILENT = pino({ level: 'silent' });
const HOLDERS = ['bob', 'cyd'] as const;
const CLAIMS = 200;

/** So that what a mark voids takes as many messages. */
async function settleOneAtOnce(space: Space): Promise<void> {
  const agent = await space.agent('ann');
  const body = { id: 'one-at-once', type: 'Sweep', settings: { consequencesAtOnce: 1 } };
  await agent.sendRaw(subjects(space.ns).shardDecision(0, SWEEPER, SHARD_POOL), JSON.stringify(body));
}

async function holdAll(space: Space): Promise<void> {
  const ann = await space.agent('ann');
  await ann.decide('safe', { type: 'CreatePool' });
  for (const name of HOLDERS) await (await space.agent(name)).decide('safe', { type: 'JoinPool' });
  const total = CLAIMS * HOLDERS.length;
  for (let i = 0; i < total; i += 100) {
    const decisions = Array.from({ length: 100 }, (_, n) => ({
      type: 'SubmitTask',
      taskId: `t-${i + n}`,
      objective: '',
    }));
    await ann.decide('safe', { type: 'Batch', decisions });
  }
  for (const name of HOLDERS) {
    const agent = await space.agent(name);
    for (let i = 0; i < CLAIMS; i += 100)
      await agent.decide('safe', { type: 'ClaimNextTask', limit: 100, claimTtlMs: 3_600_000 });
  }
}

async function removeState({ ns }: Space): Promise<void> {
  await system.redis.del(...(await system.redis.keys(`${ns}:*`)));
}

function withoutPositions(state: Dump): Dump {
  return Object.fromEntries(Object.entries(state).filter(([key]) => !key.endsWith(':s:meta')));
}

const told = (events: readonly Event[], type: string): string[] =>
  events.filter((event) => event.type === `converge.${type}`).map(({ subject }) => subject);

it('what is owed comes back with the snapshot and is told once', async () => {
  const space = system.space({ ...NO_SWEEPS, shards: 1, snapshotEveryMs: 3_600_000 });
  const keys = shardKeys(space.ns, 0);
  const first = await space.worker();
  await settleOneAtOnce(space);
  await holdAll(space);
  const left = await (await space.agent('bob')).decide('safe', { type: 'LeavePool' });
  const ban = { type: 'BanAgent', agentId: 'cyd', reason: 'flood' };
  await (await space.agent('ann')).decide('safe', ban);
  await first.stop();
  expect(await system.redis.hlen(keys.fences), 'stopped before all is told').toBe(HOLDERS.length);
  const worker = await space.worker({ snapshotEveryMs: 100, snapshotEveryDecisions: 1 });
  const snapshot = await until('a snapshot of what is owed', async () =>
    (await sealed(space, 0)).find((each) => (each.seal?.summary.counts.F ?? 0) > 0),
  );
  await worker.stop();
  expect(positionOf(snapshot)).toBeGreaterThanOrEqual(left.seq);
  expect(await system.redis.hlen(keys.fences), 'stopped while something is owed').toBeGreaterThan(0);
  const toldBefore = told(await space.events(), 'task.released').length;
  expect(toldBefore).toBeLessThan(HOLDERS.length * CLAIMS);

  await removeState(space);
  const rebuilt = await rebuild(space.config(), { logger: SILENT });
  expect(rebuilt.shards[0]?.from).not.toBe('log');
  const restored = await space.state();
  expect(await system.redis.hlen(keys.fences), 'and is owed still').toBeGreaterThan(0);
  expect(firstDifference(impliedIndexes(restored), indexesOf(restored))).toBeUndefined();
  const replayed = await rebuild(space.config(), { logger: SILENT, force: true, fromLog: true });
  expect(firstDifference(restored, await space.state())).toBeUndefined();
  expect(replayed.digest).toBe(rebuilt.digest);

  // A worker brings it back by itself, and publishes what follows.
  await removeState(space);
  const last = await space.worker({ snapshotEveryMs: 3_600_000 });
  await until('everything to be told', async () => (await system.redis.hlen(keys.turns)) === 0, 120_000);
  await space.applied();
  await space.published(20_000);
  const events = await space.events();
  const released = told(events, 'task.released');
  expect(new Set(released).size).toBe(HOLDERS.length * CLAIMS);
  expect(released).toHaveLength(HOLDERS.length * CLAIMS);
  expect(told(events, 'member.left')).toEqual(['member/bob']);
  expect(told(events, 'member.removed')).toEqual(['member/cyd']);
  const sequences = events
    .filter(({ source }) => source === '/pools/safe')
    .map(({ sequence }) => Number(sequence));
  expect(sequences).toEqual(sequences.map((_, i) => i + 1));
  // Whichever message tells it, it names who left and who banned.
  const causes = new Set(
    events
      .filter(({ type }) => type === 'converge.task.released')
      .map(({ actor, data }) => `${data.why} by ${actor}`),
  );
  expect([...causes].sort()).toEqual(['banned by ann', 'left by bob']);
  expect(await system.redis.hlen(keys.fences)).toBe(0);
  await last.stop();
  const lived = await space.state();
  await rebuild(space.config(), { logger: SILENT, force: true, fromLog: true });
  // What the last worker said and had no time to apply moves on the position.
  expect(firstDifference(withoutPositions(lived), withoutPositions(await space.state()))).toBeUndefined();
});
