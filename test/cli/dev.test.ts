import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect } from 'nats';
import { expect, it, onTestFinished } from 'vitest';
import { roomWithin } from '../../src/cli/dev-room.ts';
import { askNats } from '../../src/servers/ask-nats.ts';
import { askRedis } from '../../src/servers/ask-redis.ts';
import { freePort, temporaryDataDir } from '../../src/servers/index.ts';
import { until } from '../support/until.ts';
import { isAlive, jsonOf, type Started, useConverge } from './command.ts';
import { LITTLE_ROOM, useServers } from './servers.ts';

// Installs them where that is allowed and needed, so that the command finds them.
const servers = useServers();
const converge = useConverge(() => ({
  CONVERGE_LOG_MAX_BYTES: String(LITTLE_ROOM),
  CONVERGE_EVENTS_MAX_BYTES: String(LITTLE_ROOM),
  CONVERGE_SNAPSHOTS_MAX_BYTES: String(LITTLE_ROOM),
}));

interface System {
  readonly nats: { readonly url: string; readonly pid: number };
  readonly redis: { readonly url: string; readonly pid: number };
  readonly workers: readonly { readonly id: string; readonly health: string; readonly shards: number[] }[];
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
}

async function dev(...args: string[]): Promise<{ started: Started; system: System }> {
  const started = converge.start(['dev', '--json', ...args]);
  const [system] = await started.json();
  return { started, system };
}

async function emptyFolder(): Promise<string> {
  const dir = await temporaryDataDir('converge-dev-test');
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

function expectGone({ nats, redis }: System): void {
  expect([nats.pid, redis.pid].filter(isAlive)).toEqual([]);
}

it('starts everything, tells where it is, and Ctrl-C leaves nothing behind', async () => {
  const { started, system } = await dev('--ephemeral', '--shards', '4');
  expect(system).toEqual({
    pid: started.pid,
    nats: expect.objectContaining({
      url: expect.stringMatching(/^nats:\/\/127\.0\.0\.1:\d+$/),
      source: 'binary',
    }),
    redis: expect.objectContaining({
      url: expect.stringMatching(/^redis:\/\/127\.0\.0\.1:\d+$/),
      source: 'binary',
    }),
    workers: [{ id: expect.any(String), health: expect.any(String), shards: [0, 1, 2, 3] }],
    dataDir: expect.any(String),
    ephemeral: true,
    namespace: 'converge',
    shards: 4,
    decide: 'converge.decide.<pool>.<agent>',
    env: { CONVERGE_NATS_URL: system.nats.url, CONVERGE_REDIS_URL: system.redis.url, CONVERGE_SHARDS: '4' },
  });
  expect([system.nats.pid, system.redis.pid].every(isAlive)).toBe(true);
  expect((await fetch(`${system.workers[0]?.health}/readyz`)).status).toBe(200);
  expect(existsSync(join(system.dataDir, 'nats'))).toBe(true);
  expect(started.stderr).toContain(`nats-server`);

  expect(await converge(['publish', 'p', 'CreatePool'], { env: system.env })).toMatchObject({ code: 0 });
  expect(await converge(['doctor'], { env: system.env })).toMatchObject({ code: 0 });

  started.signal('SIGINT');
  const ended = await started.ended;
  expect(ended).toMatchObject({ code: 0, signal: null });
  expect(ended.stdout.split('\n')).toHaveLength(2);
  expectGone(system);
  expect(existsSync(system.dataDir)).toBe(false);
});

it('a bare NATS client reaches the right shard of every pool by the mapping', async () => {
  const { system } = await dev('--ephemeral', '--namespace', 'mapped', '--shards', '7');
  const nats = await connect({ servers: system.nats.url });
  onTestFinished(() => nats.close());
  const results = nats.subscribe('mapped.results.ada.*');
  const pools = Array.from({ length: 20 }, (_, i) => `pool-${i}`);
  for (const pool of pools) {
    const ack = await nats.request(
      `mapped.decide.${pool}.ada`,
      JSON.stringify({ id: pool, type: 'CreatePool' }),
    );
    expect(ack.json()).toMatchObject({ stream: 'MAPPED_DECISIONS' });
  }
  const shards = new Set<number>();
  let told = 0;
  for await (const result of results) {
    const outcome = result.json<{ status: string; shard: number; agent: string }>();
    expect(outcome).toMatchObject({ status: 'accepted', agent: 'ada' });
    shards.add(outcome.shard);
    if (++told === pools.length) break;
  }
  expect(shards.size).toBeGreaterThan(3);
});

it('keeps its data in the folder for the next time, with a table for people', async () => {
  const cwd = await emptyFolder();
  const ports = ['--nats-port', `${await freePort()}`, '--redis-port', `${await freePort()}`];
  const first = converge.start(['dev', ...ports], { cwd });
  const ready =
    /In another terminal:\n\n {2}export CONVERGE_NATS_URL=(\S+)\n {2}export CONVERGE_REDIS_URL=(\S+)\n/;
  const [, natsUrl = '', redisUrl = ''] = await until('the table', () => ready.exec(first.stdout), 20_000);
  expect([natsUrl, redisUrl]).toEqual([`nats://127.0.0.1:${ports[1]}`, `redis://127.0.0.1:${ports[3]}`]);
  expect(first.stdout).toContain(`data    ${join(cwd, '.converge')}`);
  const env = { CONVERGE_NATS_URL: natsUrl, CONVERGE_REDIS_URL: redisUrl };
  expect(await converge(['publish', 'kept', 'CreatePool'], { env })).toMatchObject({ code: 0 });
  first.signal('SIGTERM');
  expect(await first.ended).toMatchObject({ code: 0 });

  const { system } = await dev('--data-dir', join(cwd, '.converge'));
  const pool = await converge(['query', 'pool', 'pool=kept', '--json'], { env: system.env });
  expect(jsonOf(pool)).toMatchObject({ pool: 'kept', owner: 'cli' });
});

it('runs several workers that share the shards', async () => {
  const { system } = await dev('--ephemeral', '--workers', '2');
  expect(system.workers).toHaveLength(2);
  const stats = await until('shards on both', async () => {
    const { shards } = jsonOf(await converge(['query', 'stats', '--json'], { env: system.env }));
    const owners = new Set(shards.map(({ owner }: { owner?: string }) => owner));
    return system.workers.every(({ id }) => owners.has(id)) && shards;
  });
  expect(stats).toHaveLength(16);
});

it('uses the servers that it is given, and leaves them alone', async () => {
  const { nats, redis } = servers.running;
  const urls = ['--nats', nats.url, '--redis', redis.url];
  const { started, system } = await dev('--ephemeral', ...urls, '--namespace', 'given');
  expect(system.nats).toMatchObject({ url: nats.url, source: 'url' });
  expect(system.redis).toMatchObject({ url: redis.url, source: 'url' });
  expect(system.env).toEqual({ CONVERGE_NAMESPACE: 'given' });
  await started.says('this NATS was not started here: for given.decide.<pool>.<agent>');
  started.signal('SIGINT');
  expect(await started.ended).toMatchObject({ code: 0 });
  await askNats(nats.url);
  await askRedis(redis.url);
});

it('takes two signals at once for one: npm passes on what the terminal has sent already', async () => {
  const { started, system } = await dev('--ephemeral');
  started.signal('SIGINT');
  started.signal('SIGINT');
  expect(await started.ended).toMatchObject({ code: 0, signal: null });
  expectGone(system);
});

it('ends at once on a second Ctrl-C, and even then leaves nothing behind', async () => {
  const { started, system } = await dev('--ephemeral');
  // A Redis that stands still lets no worker finish.
  process.kill(system.redis.pid, 'SIGSTOP');
  const asked = performance.now();
  await until('the end of it', () => {
    if (!started.hasEnded) started.signal('SIGINT');
    return started.hasEnded;
  });
  expect(performance.now() - asked).toBeLessThan(5_000);
  expect(await started.ended).toMatchObject({ code: 130 });
  await until('the servers to be gone', () =>
    [system.nats.pid, system.redis.pid].every((pid) => !isAlive(pid)),
  );
  expect(existsSync(system.dataDir)).toBe(false);
});

it('Ctrl-C while it starts ends it, too', async () => {
  const started = converge.start(['dev', '--ephemeral', '--json']);
  await started.says('process ');
  started.signal('SIGINT');
  const ended = await started.ended;
  expect(ended).toMatchObject({ code: 0, stdout: '' });
  const pids = [...ended.stderr.matchAll(/process (\d+)/g)].map(([, pid]) => Number(pid));
  expect(pids.filter(isAlive)).toEqual([]);
});

it('a second one in the same folder names the first', async () => {
  const dir = await emptyFolder();
  const { started, system } = await dev('--data-dir', dir, '--shards', '1');
  const { code, stderr } = await converge(['dev', '--data-dir', dir]);
  expect(code).toBe(78);
  expect(stderr).toContain(`${dir} is in use by another converge dev, process ${started.pid}`);
  expect(stderr).toContain(system.nats.url);
  started.signal('SIGINT');
  await started.ended;
});

it('kept data keep their ports, unless somebody has taken them', async () => {
  const dir = await emptyFolder();
  const urls: string[][] = [];
  for (let times = 0; times < 2; times++) {
    const { started, system } = await dev('--data-dir', dir, '--shards', '1');
    urls.push([system.nats.url, system.redis.url]);
    started.signal('SIGINT');
    await started.ended;
  }
  expect(urls[1]).toEqual(urls[0]);
  const taken = createServer().listen(Number(new URL(urls[0]?.[0] ?? '').port), '127.0.0.1');
  onTestFinished(() => void taken.close());
  const { started, system } = await dev('--data-dir', dir, '--shards', '1');
  expect([system.nats.url === urls[0]?.[0], system.redis.url === urls[0]?.[1]]).toEqual([false, true]);
  started.signal('SIGINT');
  await started.ended;
});

it.each(['nats', 'redis'] as const)('ends when its %s server ends, and says so', async (name) => {
  const { started, system } = await dev('--ephemeral', '--shards', '1');
  process.kill(system[name].pid, 'SIGKILL');
  const { code, stderr } = await started.ended;
  expect(code).toBe(69);
  expect(stderr).toMatch(new RegExp(`${name}-server was ended by SIGKILL: converge dev stops`));
});

it('tail ends when its reader is gone, though nothing more happens, and takes any age', async () => {
  const { started, system } = await dev('--ephemeral', '--shards', '1');
  await converge(['publish', 'p', 'CreatePool'], { env: system.env });
  const { stdout, code } = await converge(['tail', 'events', '--since', '900000d', '--count', '1'], {
    env: system.env,
  });
  expect(code).toBe(0);
  expect(stdout).toContain('pool.created');
  const tail = converge.start(['tail', 'events', '--since', 'all'], { env: system.env });
  await until('the first line', () => tail.stdout.includes('\n'));
  tail.closeStdout();
  expect(await tail.ended).toMatchObject({ code: 0 });
  started.signal('SIGINT');
  await started.ended;
});

it('limits that nobody said fit into what is free, in their proportions; said ones stay', () => {
  const GIB = 1024 ** 3;
  const defaults = { logMaxBytes: 10 * GIB, eventsMaxBytes: 10 * GIB, snapshotsMaxBytes: 2 * GIB };
  expect(roomWithin(defaults, () => false, 100 * GIB)).toEqual(defaults);
  const little = roomWithin(defaults, () => false, 4.4 * GIB);
  expect(little.logMaxBytes + little.eventsMaxBytes + little.snapshotsMaxBytes).toBeLessThanOrEqual(
    2.2 * GIB,
  );
  expect(little.logMaxBytes / little.snapshotsMaxBytes).toBeCloseTo(5, 5);
  expect(roomWithin(defaults, (name) => name === 'logMaxBytes', 4 * GIB).logMaxBytes).toBe(10 * GIB);
  expect(roomWithin(defaults, () => false, 0)).toEqual({
    logMaxBytes: 1024 ** 2,
    eventsMaxBytes: 1024 ** 2,
    snapshotsMaxBytes: 1024 ** 2,
  });
});
