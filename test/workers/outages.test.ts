/** Servers that end, come back, come back older, or come back as others: it costs time, never decisions (I1, I3, I5). */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startRedis } from '../../src/servers/index.ts';
import type { RunningWorker } from '../../src/workers/process/worker.ts';
import { firstDifference } from '../support/first-difference.ts';
import { impliedIndexes, indexesOf } from '../support/implied-indexes.ts';
import { expectAllApplied, expectEventsComplete, Load } from '../support/load.ts';
import type { RawAgent } from '../support/raw-agent.ts';
import { NO_SWEEPS, type Space, useSystem } from '../support/system.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 300_000 });

const system = useSystem();
afterEach(async () => {
  // A test that failed in the midst of an outage must not take the others with it.
  if (system.servers.redis.pid === undefined) await system.servers.redis.restart();
  if (system.servers.nats.pid === undefined) await system.servers.nats.restart();
});

async function underLoad(space: Space): Promise<{ agent: RawAgent; load: Load }> {
  const agent = await space.agent('ann');
  const pools = [space.poolOn(0), space.poolOn(1)];
  for (const pool of pools) {
    expect((await agent.decide(pool, { type: 'CreatePool' })).status).toBe('accepted');
    expect((await agent.decide(pool, { type: 'JoinPool' })).status).toBe('accepted');
  }
  return { agent, load: new Load(agent, pools) };
}

/** Some pools and tasks on every shard; returns when all of it is applied and published. */
async function submitSome(space: Space, agent: RawAgent, from: number, count: number): Promise<void> {
  for (const shard of [0, 1]) {
    const pool = space.poolOn(shard);
    await agent.send(pool, { id: `create-${shard}-${from}`, type: 'CreatePool' });
    for (let i = from; i < from + count; i++) {
      await agent.send(pool, { id: `${pool}-${i}`, type: 'SubmitTask', taskId: `t${i}`, objective: 'o' });
    }
  }
  await space.applied();
  await space.published();
}

const folderOf = (server: 'redis' | 'nats'): string => join(system.dataDir, server);
const copyOf = (server: 'redis' | 'nats', name: string): string => join(system.dataDir, `${server}-${name}`);

async function keepCopy(server: 'redis' | 'nats', name: string): Promise<void> {
  await system.servers[server].stop();
  await cp(folderOf(server), copyOf(server, name), { recursive: true });
}

async function putBack(server: 'redis' | 'nats', name: string): Promise<void> {
  await system.servers[server].stop();
  await rm(folderOf(server), { recursive: true });
  await cp(copyOf(server, name), folderOf(server), { recursive: true });
}

/** Resolves when it can be talked to again: what is sent on a connection that is gone gets lost. */
async function restartNats(): Promise<void> {
  await system.servers.nats.restart();
  await until('the connection to NATS', async () => (await system.nats.rtt()) > 0);
}

describe('Redis', () => {
  it('killed and restarted under load: workers wait and go on', async () => {
    const space = system.space(NO_SWEEPS);
    const worker = await space.worker();
    const { agent, load } = await underLoad(space);
    await load.more(200);
    await system.servers.redis.kill();
    await until('the worker to say so', () => worker.notReady().includes('Redis is not connected'));
    await load.more(100);
    await system.servers.redis.restart();
    await load.more(200);
    await expectAllApplied(space, agent, await load.stop());
    await expectEventsComplete(space);
    await until('the worker to be ready', () => worker.notReady().length === 0);
  });

  it('restored from an older copy while nothing happens: the log brings it up to date', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const agent = await space.agent('ann');
    await submitSome(space, agent, 0, 20);
    await keepCopy('redis', 'older');
    await system.servers.redis.restart();
    await submitSome(space, agent, 20, 20);
    const before = await space.state();
    await putBack('redis', 'older');
    await system.servers.redis.restart();
    await space.applied();
    expect(firstDifference(before, await space.state())).toBeUndefined();
    await expectEventsComplete(space);
  });

  it('restored from an older copy while no worker runs', async () => {
    const space = system.space(NO_SWEEPS);
    const first = await space.worker();
    const agent = await space.agent('ann');
    await submitSome(space, agent, 0, 20);
    await keepCopy('redis', 'oldest');
    await system.servers.redis.restart();
    await submitSome(space, agent, 20, 20);
    await first.stop();
    const before = await space.state();
    await putBack('redis', 'oldest');
    await system.servers.redis.restart();
    await space.worker({ maxBatch: 7 });
    await space.applied();
    expect(firstDifference(before, await space.state())).toBeUndefined();
  });

  it('emptied under load: everything is made again from the log', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const { agent, load } = await underLoad(space);
    await load.more(300);
    await system.redis.flushall();
    await load.more(100);
    await expectAllApplied(space, agent, await load.stop());
    await expectEventsComplete(space);
  });

  it('frozen and thawed: nothing is lost or doubled', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const { agent, load } = await underLoad(space);
    await load.more(100);
    await system.servers.redis.kill('SIGSTOP');
    await load.more(100);
    await system.servers.redis.kill('SIGCONT');
    await load.more(100);
    await expectAllApplied(space, agent, await load.stop());
    await expectEventsComplete(space);
  });

  it('without memory to spare: nothing is written by halves, and work goes on when there is room', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const { agent, load } = await underLoad(space);
    await load.more(100);
    await system.redis.config('SET', 'maxmemory', '1mb');
    const stoodAt = await until('the shards to stand still', async () => {
      const before = await space.state();
      await load.more(20);
      const after = await space.state();
      return firstDifference(before, after) === undefined && after;
    });
    expect(firstDifference(impliedIndexes(stoodAt), indexesOf(stoodAt))).toBeUndefined();
    await system.redis.config('SET', 'maxmemory', '0');
    await load.more(50);
    await expectAllApplied(space, agent, await load.stop());
    await expectEventsComplete(space);
  });

  it('that takes no writes for a while, as in a failover: work goes on when it does', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const { agent, load } = await underLoad(space);
    await load.more(100);
    await system.redis.call('REPLICAOF', '127.0.0.1', '1');
    await load.more(100);
    await system.redis.call('REPLICAOF', 'NO', 'ONE');
    await load.more(100);
    await expectAllApplied(space, agent, await load.stop());
    await expectEventsComplete(space);
  });

  it('whose answers to commits get lost again and again: every decision is applied exactly once', async () => {
    const space = system.space(NO_SWEEPS);
    const proxy = await TcpProxy.start(system, system.servers.redis.url);
    await space.worker({ redisUrl: proxy.url });
    const { agent, load } = await underLoad(space);
    const isCommit = (request: string): boolean => /evalsha/i.test(request) && request.includes(':s:meta');
    for (const loss of ['reply', 'request', 'reply', 'reply'] as const) {
      const lost = proxy.loseNext(loss, isCommit);
      await load.more(60);
      await lost;
    }
    await expectAllApplied(space, agent, await load.stop());
    await expectEventsComplete(space);
  });

  it('that may evict what it holds is said to be wrong', async () => {
    const folder = join(system.dataDir, 'evicting');
    const env = { ...process.env, CONVERGE_REDIS_URL: undefined };
    const redis = await startRedis({
      dataDir: folder,
      env,
      extraArgs: ['--maxmemory-policy', 'allkeys-lru'],
    });
    system.onEndOfTest(() => redis.stop());
    const lines: string[] = [];
    const { pino } = await import('pino');
    const logger = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
    await system.space({ ...NO_SWEEPS, redisUrl: redis.url }).worker({ redisUrl: redis.url }, logger);
    expect(lines.join('')).toContain('ALARM: Redis may evict state');
  });
});

describe('a worker can be stopped', () => {
  it('while Redis does not answer, and queries wait for it', async () => {
    const space = system.space({ ...NO_SWEEPS, shutdownMs: 1_500 });
    const worker = await space.worker();
    const agent = await space.agent('ann');
    await submitSome(space, agent, 0, 3);
    await system.servers.redis.kill('SIGSTOP');
    const questions = Array.from({ length: 20 }, () => agent.query('stats').catch(() => 'unanswered'));
    await agent.nats.flush();
    await agent.send(space.poolOn(0), { id: 'late', type: 'Heartbeat' });
    const started = performance.now();
    await worker.stop();
    expect(performance.now() - started).toBeLessThan(6_000);
    await system.servers.redis.kill('SIGCONT');
    await agent.close();
    await Promise.all(questions);
    await space.worker();
    await space.applied();
  });

  it('while NATS is gone', async () => {
    const space = system.space({ ...NO_SWEEPS, shutdownMs: 1_500 });
    const worker = await space.worker();
    await submitSome(space, await space.agent('ann'), 0, 3);
    await system.servers.nats.kill();
    const started = performance.now();
    await worker.stop();
    expect(performance.now() - started).toBeLessThan(6_000);
    await restartNats();
  });
});

describe('NATS', () => {
  it('killed and restarted under load: workers verify the log and go on', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const { agent, load } = await underLoad(space);
    await load.more(200);
    await system.servers.nats.kill();
    await restartNats();
    await load.more(300);
    await expectAllApplied(space, agent, await load.stop());
    await expectEventsComplete(space);
  });

  it('and Redis killed at the same time', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const { agent, load } = await underLoad(space);
    await load.more(200);
    await Promise.all([system.servers.nats.kill(), system.servers.redis.kill()]);
    await Promise.all([restartNats(), system.servers.redis.restart()]);
    await load.more(200);
    await expectAllApplied(space, agent, await load.stop());
    await expectEventsComplete(space);
  });
});

describe('the log', () => {
  const HALTED = /^converge_shard_halted\{shard="\d"\} 1$/gm;

  async function metrics({ healthUrl }: RunningWorker): Promise<string> {
    return await (await fetch(`${healthUrl}/metrics`)).text();
  }

  /** All shards halted, and every place where that is said says it. */
  async function expectHalted(space: Space, worker: RunningWorker, withinMs: number): Promise<void> {
    const isHalted = async (): Promise<boolean> => ((await metrics(worker)).match(HALTED) ?? []).length === 2;
    await until('both shards to halt', isHalted, withinMs);
    const ready = await fetch(`${worker.healthUrl}/readyz`);
    expect(ready.status).toBe(503);
    const said: unknown = await ready.json();
    for (const shard of [0, 1]) expect(JSON.stringify(said)).toContain(`shard_halted: shard ${shard}: `);
    for (const shard of [0, 1])
      expect(await system.redis.get(`${space.ns}:{${shard}}:r:halted`)).toBeTruthy();
  }

  async function expectResumed(space: Space, worker: RunningWorker): Promise<void> {
    await until(
      'the worker to be ready',
      async () => (await fetch(`${worker.healthUrl}/readyz`)).status === 200,
    );
    expect((await metrics(worker)).match(HALTED)).toBeNull();
    for (const shard of [0, 1]) expect(await system.redis.get(`${space.ns}:{${shard}}:r:halted`)).toBeNull();
  }

  it('rolled back: the shards halt within seconds, skip nothing, and go on when the right log is back', async () => {
    const space = system.space(NO_SWEEPS);
    const worker = await space.worker({ httpPort: 0 });
    const agent = await space.agent('ann');
    await submitSome(space, agent, 0, 20);
    await keepCopy('nats', 'older');
    await restartNats();
    await submitSome(space, agent, 20, 20);
    await keepCopy('nats', 'right');
    const before = await space.state();

    await putBack('nats', 'older');
    await restartNats();
    const back = performance.now();
    await expectHalted(space, worker, 5_000);
    expect(performance.now() - back).toBeLessThan(6_000);
    // New decisions take the places of those that were lost: none of them may be applied, or taken for applied.
    for (let i = 0; i < 60; i++) {
      await agent.send(space.poolOn(i % 2), {
        id: `late-${i}`,
        type: 'SubmitTask',
        taskId: `x${i}`,
        objective: 'o',
      });
    }
    await expectHalted(space, worker, 5_000);
    expect(firstDifference(before, await space.state())).toBeUndefined();

    await putBack('nats', 'right');
    await restartNats();
    await expectResumed(space, worker);
    await submitSome(space, agent, 40, 5);
    expect(
      Object.keys((await space.state())[`${space.ns}:{0}:s:tasks:${space.poolOn(0)}`] ?? {}),
    ).toHaveLength(45);
  });

  it('deleted and created again: the shards halt, also those that stand idle', async () => {
    const space = system.space(NO_SWEEPS);
    const worker = await space.worker({ httpPort: 0 });
    const agent = await space.agent('ann');
    await submitSome(space, agent, 0, 10);
    const before = await space.state();
    const { config } = await system.jsm.streams.info(space.stream('DECISIONS'));
    await system.jsm.streams.delete(space.stream('DECISIONS'));
    await expectHalted(space, worker, 5_000);
    await system.jsm.streams.add(config);
    for (let i = 0; i < 50; i++) {
      await agent.send(space.poolOn(i % 2), {
        id: `late-${i}`,
        type: 'SubmitTask',
        taskId: `x${i}`,
        objective: 'o',
      });
    }
    await expectHalted(space, worker, 5_000);
    expect(firstDifference(before, await space.state())).toBeUndefined();
  });

  it('is another one when the worker starts: it halts, and goes on for good when the right one is put back', async () => {
    const space = system.space(NO_SWEEPS);
    const first = await space.worker();
    const agent = await space.agent('ann');
    await submitSome(space, agent, 0, 10);
    await first.stop();
    await keepCopy('nats', 'mine');
    await restartNats();
    await system.jsm.streams.delete(space.stream('DECISIONS'));

    const lines: string[] = [];
    const { pino } = await import('pino');
    const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    const worker = await space.worker({ httpPort: 0 }, logger);
    await expectHalted(space, worker, 5_000);
    await putBack('nats', 'mine');
    await restartNats();
    await expectResumed(space, worker);
    lines.length = 0;
    await submitSome(space, agent, 10, 5);
    // The log is looked at every second; it must not be found wrong again and again.
    await until('two more looks at the log', async () => {
      const { ok } = await agent.query('stats');
      return ok !== undefined && performance.now() > started + 2_500;
    });
    expect(lines.filter((line) => line.includes('interrupted'))).toEqual([]);
  });

  const started = performance.now();

  it('that is full refuses decisions, loses none, and takes them again when it may be larger', async () => {
    const space = system.space({ ...NO_SWEEPS, logMaxBytes: 1_048_576 });
    const worker = await space.worker();
    const agent = await space.agent('ann');
    const pool = space.poolOn(0);
    await agent.decide(pool, { type: 'CreatePool' });
    let accepted = 0;
    const fill = async (): Promise<void> => {
      for (;;) {
        const body = { id: `big-${accepted}`, type: 'SubmitTask', taskId: `t${accepted}`, objective: 'o' };
        await agent.send(pool, { ...body, inputs: 'x'.repeat(50_000) });
        accepted++;
      }
    };
    await expect(fill()).rejects.toThrow(/refused: .*maximum/);
    await space.applied();
    expect(accepted).toBeGreaterThan(10);
    expect((await space.state())[`${space.ns}:{0}:s:sequences`]).toMatchObject({ [pool]: `${accepted + 1}` });
    await worker.stop();
    await space.worker({ logMaxBytes: 4_194_304 });
    const after = { id: 'after', type: 'SubmitTask', taskId: 'after', objective: 'o' };
    expect((await agent.decide(pool, after)).status).toBe('accepted');
  });

  it('goes on being applied when the events stream is full only once that may be larger, without a gap', async () => {
    const limit = 8 * 1_048_576;
    const space = system.space({ ...NO_SWEEPS, eventsMaxBytes: limit });
    const worker = await space.worker();
    const agent = await space.agent('ann');
    const pools = [space.poolOn(0), space.poolOn(1)];
    for (const pool of pools) await agent.decide(pool, { type: 'CreatePool' });
    const filler = 'x'.repeat(100_000);
    for (let filled = 0; filled < limit * 0.96; filled += filler.length) {
      await system.nats.request(`${space.ns}.events.0.filler`, filler);
    }
    await until('the worker to say so', () =>
      worker.notReady().some((reason) => reason.startsWith('events_full')),
    );
    const sent: Promise<unknown>[] = [];
    for (let i = 0; i < 600; i++) {
      const id = `d-${i}`;
      const body = { id, type: 'SubmitTask', taskId: id, objective: 'o', inputs: 'y'.repeat(5_000) };
      sent.push(agent.send(pools[i % 2] ?? '', body));
    }
    await Promise.all(sent);
    const isFull = async (shard: number): Promise<boolean> =>
      (await system.redis.hlen(`${space.ns}:{${shard}}:r:outbox`)) > 0;
    await until('the outboxes to fill', async () => (await isFull(0)) && (await isFull(1)));
    await space.worker({ eventsMaxBytes: limit * 2 });
    await space.applied();
    await space.published();
    await system.jsm.streams.purge(space.stream('EVENTS'), { filter: `${space.ns}.events.0.filler` });
    await expectEventsComplete(space);
  });

  it('under load is not taken for another one', async () => {
    const space = system.space(NO_SWEEPS);
    const lines: string[] = [];
    const { pino } = await import('pino');
    const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    await space.worker({}, logger);
    const { load } = await underLoad(space);
    const end = performance.now() + 2_500;
    while (performance.now() < end) await load.more(100);
    await load.stop();
    await space.applied();
    expect(lines.filter((line) => line.includes('interrupted'))).toEqual([]);
  });
});
