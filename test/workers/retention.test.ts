/** What is kept is bounded by time and by number, the bounds travel in the log, and a replay agrees with them (I3, I8). */
import { expect, it, vi } from 'vitest';
import { rebuild } from '../../src/workers/snapshots/rebuild.ts';
import { firstDifference } from '../support/first-difference.ts';
import { impliedIndexes, indexesOf } from '../support/implied-indexes.ts';
import { faultsIn } from '../support/legal-history.ts';
import { untilMetrics } from '../support/metrics.ts';
import type { RawAgent } from '../support/raw-agent.ts';
import { type Space, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';
import { workload } from '../support/workload.ts';

vi.setConfig({ testTimeout: 300_000 });

const system = useSystem();

async function complete(agent: RawAgent, taskIds: readonly string[]): Promise<void> {
  for (const taskId of taskIds) {
    await agent.decide('commons', {
      type: 'Batch',
      decisions: [
        { type: 'SubmitTask', taskId, objective: 'o' },
        { type: 'ClaimTask', taskId },
        { type: 'ReportTask', taskId, result: 1 },
      ],
    });
  }
}

async function kept(agent: RawAgent): Promise<string[]> {
  const { ok } = await agent.query('tasks', { limit: 1_000 });
  return ok.items.map(({ taskId }: { taskId: string }) => taskId);
}

const names = (count: number, prefix = 't'): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** The worker is stopped; the state that is there is what the log alone gives. */
async function expectSameAfterRebuild(space: Space): Promise<void> {
  const before = await space.state();
  expect(firstDifference(impliedIndexes(before), indexesOf(before))).toBeUndefined();
  const events = (await space.storedEvents()).length;
  const { pino } = await import('pino');
  await rebuild(space.config(), { force: true, logger: pino({ level: 'silent' }) });
  expect(firstDifference(before, await space.state())).toBeUndefined();
  expect(await space.storedEvents()).toHaveLength(events);
}

it('final tasks go when they are too old, with an event each, and a replay agrees', async () => {
  const space = system.space({ settings: { finalRetentionMs: 200, outcomeRetentionMs: 300 } });
  const worker = await space.worker();
  const agent = await space.agent('ann');
  await complete(agent, names(20));
  await agent.decide('commons', { type: 'SubmitTask', taskId: 'live', objective: 'o' });
  await until('only the live task to be left', async () => (await kept(agent)).join() === 'live');
  await worker.stop();
  expect((await space.events()).filter(({ type }) => type === 'converge.task.removed')).toHaveLength(20);
  await expectSameAfterRebuild(space);
});

it('final tasks go when there are too many, the oldest first', async () => {
  const space = system.space({ settings: { finalRetentionCount: 5 } });
  const worker = await space.worker();
  const agent = await space.agent('ann');
  await complete(agent, names(30));
  await until('five to be left', async () => (await kept(agent)).length === 5);
  expect(await kept(agent)).toEqual(['t25', 't26', 't27', 't28', 't29']);
  await worker.stop();
  await expectSameAfterRebuild(space);
});

it('outcomes go when there are too many, and that their time was cut short is counted', async () => {
  const space = system.space({ settings: { outcomeRetentionCount: 1_000 } });
  const worker = await space.worker({ httpPort: 0 });
  const agent = await space.agent('ann');
  const sent = Array.from({ length: 1_400 }, (_, i) =>
    agent.send('commons', { id: `h${i}`, type: 'Heartbeat' }),
  );
  await Promise.all(sent);
  const shard = agent.shardOf('commons');
  await until('outcomes to be forgotten', async () => {
    const count = await system.redis.hlen(`${space.ns}:{${shard}}:s:outcomes`);
    return (await space.position(shard)) >= 1_400 && count <= 1_001;
  });
  expect(
    (await agent.query('outcome', { pool: 'commons', agent: 'ann', decisionId: 'h0' })).error?.code,
  ).toBe('outcome_not_found');
  expect(
    (await agent.query('outcome', { pool: 'commons', agent: 'ann', decisionId: 'h1399' })).ok.status,
  ).toBe('accepted');
  const atLeast399 = '(399|[4-9]\\d{2}|\\d{4,})';
  await untilMetrics(worker, new RegExp(`^converge_outcome_retention_cut_total ${atLeast399}$`, 'm'));
  await untilMetrics(worker, new RegExp(`^converge_outcomes_forgotten_total ${atLeast399}$`, 'm'));
  await worker.stop();
  await expectSameAfterRebuild(space);
});

it('a closed pool goes when all that was in it has gone, members included', async () => {
  const space = system.space({ settings: { finalRetentionMs: 200, outcomeRetentionMs: 300 } });
  const worker = await space.worker();
  const agent = await space.agent('ann');
  await agent.decide('lab', { type: 'CreatePool' });
  await agent.decide('lab', { type: 'JoinPool' });
  await agent.decide('lab', { type: 'SubmitTask', taskId: 't', objective: 'o' });
  await agent.decide('lab', { type: 'CancelTask', taskId: 't' });
  await agent.decide('lab', { type: 'ClosePool' });
  await until(
    'the pool to be gone',
    async () => (await agent.query('pool', { pool: 'lab' })).error !== undefined,
  );
  expect((await agent.query('pools-of-agent', { agent: 'ann' })).ok.pools).toEqual(['commons']);
  await worker.stop();
  const left = Object.keys(await space.state()).filter((key) => key.includes('lab'));
  expect(left).toEqual([]);
  await expectSameAfterRebuild(space);
});

it('other settings reach every shard that has something, and a replay applies each to what came after it', async () => {
  const space = system.space();
  const first = await space.worker();
  const agent = await space.agent('ann');
  await complete(agent, names(10));
  await agent.decide(space.poolOn(1), { type: 'CreatePool' });
  await agent.decide(space.poolOn(0), { type: 'CreatePool' });
  await first.stop();
  const settingsOf = async (shard: number): Promise<unknown> =>
    JSON.parse((await system.redis.hget(`${space.ns}:{${shard}}:s:meta`, 'settings')) ?? '{}');
  expect(await settingsOf(0)).toMatchObject({ finalRetentionCount: 100_000 });

  const second = await space.worker({ settings: { finalRetentionCount: 3 } });
  await until('only three to be left', async () => (await kept(agent)).length === 3);
  for (const shard of [0, 1]) {
    await until(`shard ${shard} to know`, async () => {
      const { finalRetentionCount } = (await settingsOf(shard)) as { finalRetentionCount: number };
      return finalRetentionCount === 3;
    });
  }
  await complete(agent, names(5, 'more'));
  await until('only three to be left', async () => (await kept(agent)).length === 3);
  await second.stop();
  const third = await space.worker({ settings: { finalRetentionCount: 50 } });
  await until('the third settings', async () =>
    JSON.stringify(await settingsOf(0)).includes('"finalRetentionCount":50'),
  );
  await complete(agent, names(5, 'last'));
  expect(await kept(agent)).toHaveLength(8);
  await third.stop();
  await expectSameAfterRebuild(space);
});

it('dead letters go when there are too many or they are too old', async () => {
  const space = system.space({ deadLettersMaxCount: 5 });
  const worker = await space.worker();
  const agent = await space.agent('ann');
  const subject = `${space.ns}.decisions.${agent.shardOf('commons')}.commons.ann`;
  for (let i = 0; i < 12; i++) await agent.sendRaw(subject, `rubbish ${i}`);
  await until('the last to be there', async () => {
    const letters = await space.messages('DEADLETTERS');
    return letters.at(-1)?.data === 'rubbish 11' && letters.length === 5;
  });
  await worker.stop();
  await space.worker({ deadLettersMaxAgeMs: 150, dedupeWindowMs: 100 });
  await until('all of them to be gone', async () => (await space.messages('DEADLETTERS')).length === 0);
});

it('random traffic, with sweeps of every kind between and a worker that is replaced: a replay agrees', async () => {
  const space = system.space({ shards: 1, settings: { finalRetentionMs: 400, outcomeRetentionMs: 300 } });
  let worker = await space.worker({ maxBatch: 5 });
  const agent = await space.agent('stranger');
  const traffic = workload({ ns: space.ns, seed: 31, count: 900, start: Date.now() });
  for (const [i, { subject, data }] of traffic.entries()) {
    const ack = agent.sendRaw(subject, data);
    if (i % 20 === 0) await ack;
    else void ack.catch(() => undefined);
    if (i % 300 !== 299) continue;
    await worker.stop();
    worker = await space.worker({ maxBatch: 64 });
  }
  await space.applied();
  await worker.stop();
  await space.published();
  expect(faultsIn(await space.events())).toEqual([]);
  await expectSameAfterRebuild(space);
});
