/** Time is settled by sweeps, whoever runs them and how often: late or doubled, they change nothing but the delay. */
import { Queue } from 'bullmq';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { StreamPublisher } from '../../src/bus/stream-publisher.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { systemKeys } from '../../src/state/keys.ts';
import { StateQueries } from '../../src/state/queries.ts';
import { SYSTEM_CLOCK } from '../../src/workers/shard/ports.ts';
import { Sweeper } from '../../src/workers/sweep/sweeper.ts';
import { untilMetrics } from '../support/metrics.ts';
import type { RawAgent } from '../support/raw-agent.ts';
import { NO_SWEEPS, type Space, useSystem } from '../support/system.ts';
import { believing } from '../support/time.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 300_000 });

const system = useSystem();
const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** A sweeper of our own, run by hand. */
function sweeperOf(space: Space, outcomeWithinMs = 5_000): Sweeper {
  const { settings, shards } = space.config();
  const streams = new StreamPublisher(system.nats);
  const queries = new StateQueries(system.redis, space.ns, shards);
  const sweeper = new Sweeper({
    time: believing(SYSTEM_CLOCK),
    connection: system.nats,
    streams,
    subjects: subjects(space.ns),
    queries,
    settings,
    areSettingsAgreed: () => true,
    heapBytes: 400_000_000,
    shards,
    outcomeWithinMs,
  });
  open.push(
    () => sweeper.close(),
    () => streams.close(),
  );
  return sweeper;
}

function heardSweeps(space: Space): unknown[] {
  const heard: unknown[] = [];
  const subscription = system.nats.subscribe(`${space.ns}.sweeps`, {
    callback: (_error, message) => void heard.push(message.json()),
  });
  open.push(() => subscription.unsubscribe());
  return heard;
}

async function hasSwept({ ns }: Space): Promise<boolean> {
  return (await system.redis.exists(systemKeys(ns).lastSweep)) === 1;
}

/** A task that the agent claims for this long. */
async function claimFor(agent: RawAgent, pool: string, taskId: string, claimTtlMs: number): Promise<number> {
  await agent.decide(pool, { type: 'SubmitTask', taskId, objective: 'o' });
  const { data } = await agent.decide(pool, { type: 'ClaimTask', taskId, claimTtlMs });
  return data.claim.expiresAt;
}

async function stateOf(agent: RawAgent, pool: string, taskId: string): Promise<string | undefined> {
  return (await agent.query('task', { pool, taskId })).ok?.state;
}

async function poolsWithMember(space: Space, agent: RawAgent): Promise<[string, string]> {
  const pools: [string, string] = [space.poolOn(0), space.poolOn(1)];
  for (const pool of pools) {
    await agent.decide(pool, { type: 'CreatePool' });
    await agent.decide(pool, { type: 'JoinPool' });
  }
  return pools;
}

describe('one run of the sweeper', () => {
  it('releases claims that expired on every shard, and says so', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const agent = await space.agent('ann');
    const [a, b] = await poolsWithMember(space, agent);
    const sweeper = sweeperOf(space);
    const heard = heardSweeps(space);
    await claimFor(agent, a, 't1', 50);
    const expiresAt = await claimFor(agent, b, 't2', 50);
    await claimFor(agent, b, 'long', 60_000);
    await until('the claims to be over', () => Date.now() > expiresAt + 20);
    const summary = await sweeper.runOnce(Date.now());
    expect(summary.released.toSorted((x, y) => x.taskId.localeCompare(y.taskId))).toEqual([
      { pool: a, taskId: 't1', agent: 'ann', epoch: 1 },
      { pool: b, taskId: 't2', agent: 'ann', epoch: 1 },
    ]);
    expect(summary).toMatchObject({ sweeps: 2, late: [] });
    await until('the announcement', () => heard.length === 1);
    expect(heard).toEqual([JSON.parse(JSON.stringify(summary))]);
    expect(await stateOf(agent, a, 't1')).toBe('pending');
    expect(await stateOf(agent, b, 'long')).toBe('assigned');
  });

  it('with nothing due appends nothing and announces nothing', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const agent = await space.agent('ann');
    await claimFor(agent, 'commons', 't', 60_000);
    // The first sweep of a system brings the settings.
    await sweeperOf(space).runOnce(Date.now());
    const heard = heardSweeps(space);
    const last = await space.lastInLog(agent.shardOf('commons'));
    expect(await sweeperOf(space).runOnce(Date.now())).toMatchObject({ sweeps: 0, released: [] });
    await system.nats.flush();
    expect(heard).toEqual([]);
    expect(await space.lastInLog(agent.shardOf('commons'))).toBe(last);
  });

  it('settles more than one Sweep can; names a hundred of each kind, and counts all', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const agent = await space.agent('ann');
    let deadline = 0;
    for (let batch = 0; batch < 6; batch++) {
      // Of each batch its own: how long the others took must not matter.
      deadline = Date.now() + 3_000;
      const taskIds = Array.from({ length: 100 }, (_, i) => `t${batch}-${i}`);
      const decisions = taskIds.map((taskId) => ({ type: 'SubmitTask', taskId, objective: 'o', deadline }));
      await agent.decide('commons', { type: 'Batch', decisions });
    }
    await until('the last deadline to be over', () => Date.now() > deadline + 5);
    const summary = await sweeperOf(space).runOnce(Date.now());
    expect(summary.failed).toHaveLength(100);
    expect(summary.counts.failed).toBe(600);
    expect(JSON.stringify(summary).length).toBeLessThan(64 * 1024);
    expect(summary.sweeps).toBeGreaterThan(1);
  });

  it('doubled and tripled is harmless', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const agent = await space.agent('ann');
    const expiresAt = await claimFor(agent, 'commons', 't', 50);
    const sweepers = [sweeperOf(space), sweeperOf(space), sweeperOf(space)];
    await until('the claim to be over', () => Date.now() > expiresAt + 20);
    const summaries = await Promise.all(sweepers.map((sweeper) => sweeper.runOnce(Date.now())));
    expect(summaries.flatMap(({ released }) => released)).toHaveLength(1);
    expect(summaries.flatMap(({ late }) => late)).toEqual([]);
    expect((await agent.query('task', { taskId: 't' })).ok).toMatchObject({ state: 'pending', expiries: 1 });
    await space.published();
    expect((await space.events()).filter(({ type }) => type === 'converge.task.expired')).toHaveLength(1);
  });

  it('says which shards did not answer', async () => {
    const space = system.space(NO_SWEEPS);
    const worker = await space.worker();
    const agent = await space.agent('ann');
    const expiresAt = await claimFor(agent, 'commons', 't', 50);
    await worker.stop();
    await until('the claim to be over', () => Date.now() > expiresAt + 20);
    const summary = await sweeperOf(space, 200).runOnce(Date.now());
    expect(summary).toMatchObject({ late: [agent.shardOf('commons')], sweeps: 0 });
  });
});

describe('a claim that is over', () => {
  it('cannot be reported, whether or not a sweep has run', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const agent = await space.agent('ann');
    for (const [taskId, sweeps] of [
      ['unswept', false],
      ['swept', true],
    ] as const) {
      const expiresAt = await claimFor(agent, 'commons', taskId, 50);
      await until('the claim to be over', () => Date.now() > expiresAt + 20);
      if (sweeps) await sweeperOf(space).runOnce(Date.now());
      const before = (await agent.query('task', { taskId })).ok;
      const report = await agent.decide('commons', { type: 'ReportTask', taskId, result: 'late' });
      expect(report).toMatchObject({ status: 'rejected', code: 'claim_lost' });
      expect((await agent.query('task', { taskId })).ok).toEqual(before);
    }
  });
});

describe('the schedule', () => {
  it('sweeps by itself, keeps how much the last runs found, and says when the last one was', async () => {
    const space = system.space();
    await space.worker();
    const agent = await space.agent('ann');
    const heard = heardSweeps(space);
    await claimFor(agent, 'commons', 't', 50);
    await until('the claim to be released', async () => (await stateOf(agent, 'commons', 't')) === 'pending');
    await until('the announcement', () => heard.length > 0);
    expect(heard[0]).toMatchObject({ released: [{ pool: 'commons', taskId: 't', agent: 'ann', epoch: 1 }] });
    const { lastSweepAt } = (await agent.query('stats')).ok;
    expect(Date.now() - lastSweepAt).toBeLessThan(5_000);
    const connection = system.redis.duplicate();
    const queue = new Queue('sweep', {
      connection,
      prefix: systemKeys(space.ns).bullPrefix,
      skipVersionCheck: true,
    });
    queue.on('error', () => undefined);
    const jobs = await queue.getCompleted();
    await queue.close();
    connection.disconnect();
    expect(jobs.some(({ returnvalue }) => returnvalue.counts.released === 1)).toBe(true);
    expect(jobs.some(({ returnvalue }) => 'released' in returnvalue)).toBe(false);
  });

  it('is shared by all workers: together they sweep as often as it says', async () => {
    const everyMs = 200;
    const space = system.space({ sweepEveryMs: everyMs });
    const metrics = async (url: string | undefined): Promise<number> => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(/converge_sweeps_total\{result="succeeded"\} (\d+)/.exec(text)?.[1] ?? 0);
    };
    const workers = [
      await space.worker({ httpPort: 0 }),
      await space.worker({ httpPort: 0 }),
      await space.worker({ httpPort: 0 }),
    ];
    const count = async (): Promise<number> => {
      const counts = await Promise.all(workers.map(({ healthUrl }) => metrics(healthUrl)));
      return counts.reduce((sum, each) => sum + each, 0);
    };
    await until('the first sweep', async () => (await count()) > 0);
    const [before, started] = [await count(), performance.now()];
    await until('twelve more', async () => (await count()) >= before + 12);
    const due = (performance.now() - started) / everyMs;
    expect((await count()) - before).toBeLessThanOrEqual(due + 3);
    expect((await count()) - before).toBeGreaterThan(due / 3);
  });

  it('that is lost when Redis is emptied comes back', async () => {
    const space = system.space();
    await space.worker();

    await until('the first sweep', () => hasSwept(space));
    await system.redis.flushall();
    await until('a sweep after that', () => hasSwept(space));
  });

  it('that a clock which was an hour ahead has put off by an hour is laid down anew', async () => {
    const space = system.space();
    await space.worker();
    const { lastSweep, bullPrefix } = systemKeys(space.ns);
    await until('the first sweep', () => hasSwept(space));
    const connection = system.redis.duplicate();
    const queue = new Queue('sweep', { connection, prefix: bullPrefix, skipVersionCheck: true });
    const startDate = Date.now() + 60 * 60 * 1_000;
    await until('the schedule to be an hour away', async () => {
      await queue.removeJobScheduler('sweep');
      await queue.upsertJobScheduler('sweep', { every: space.config().sweepEveryMs, startDate });
      const isIdle = (await queue.getJobCountByTypes('active', 'wait')) === 0;
      return isIdle && ((await queue.getJobScheduler('sweep'))?.next ?? 0) >= startDate;
    });
    await system.redis.del(lastSweep);
    await until('a sweep all the same', () => hasSwept(space));
    await queue.close();
    connection.disconnect();
  });

  it('goes on with the next worker when the one that swept has stopped', async () => {
    const space = system.space();
    const first = await space.worker();
    await until('the first sweep', () => hasSwept(space));
    await space.worker();
    await first.stop();
    const agent = await space.agent('ann');
    await claimFor(agent, 'commons', 't', 50);
    await until('the claim to be released', async () => (await stateOf(agent, 'commons', 't')) === 'pending');
  });

  it('that does not run is made up for by the owner of the shard, with an alarm', async () => {
    const space = system.space({ sweepEveryMs: 3_600_000, sweepOverdueMs: 300 });
    const worker = await space.worker({ httpPort: 0 });
    const agent = await space.agent('ann');
    await claimFor(agent, 'commons', 't', 50);
    await until('the claim to be released', async () => (await stateOf(agent, 'commons', 't')) === 'pending');
    await untilMetrics(worker, /converge_own_sweeps_total [1-9]/);
  });
});
