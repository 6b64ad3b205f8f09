import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Redis } from 'ioredis';
import { connect } from 'nats';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { askNats } from '../../src/servers/ask-nats.ts';
import { askRedis } from '../../src/servers/ask-redis.ts';
import {
  freePort,
  type NatsOptions,
  type RedisOptions,
  type RunningServer,
  ServerStartError,
  startNats,
  startRedis,
  startServers,
} from '../../src/servers/index.ts';
import { useDataDirs } from './data-dirs.ts';

// The servers of this machine, whatever the developer's environment points to.
const env = { ...process.env, CONVERGE_REDIS_URL: undefined, CONVERGE_NATS_URL: undefined };
const started: RunningServer[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

const dataDir = useDataDirs();

async function redisServer(options: Partial<RedisOptions> = {}): Promise<RunningServer> {
  const server = await startRedis({ dataDir: await dataDir(), env, ...options });
  started.push(server);
  return server;
}

async function natsServer(options: Partial<NatsOptions> = {}): Promise<RunningServer> {
  const server = await startNats({ dataDir: await dataDir(), env, ...options });
  started.push(server);
  return server;
}

async function withRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url);
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

/** Every start is looked up on this machine first; without the programs there is nothing to test. */
beforeAll(async () => {
  const servers = await startServers({ dataDir: await dataDir(), env });
  await servers.stop();
});

describe('both servers', () => {
  it('start together, say what they are, and stop together', async () => {
    const lines: string[] = [];
    const servers = await startServers({ dataDir: await dataDir(), env, log: (line) => lines.push(line) });
    started.push(servers.redis, servers.nats);

    expect(servers.redis).toMatchObject({ name: 'redis', source: 'binary' });
    expect(servers.redis.product).toMatch(/^(redis|valkey)-server$/);
    expect(servers.redis.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(servers.redis.url).toMatch(/^redis:\/\/127\.0\.0\.1:\d+$/);
    expect(servers.nats).toMatchObject({ name: 'nats', source: 'binary', product: 'nats-server' });
    expect(servers.nats.version).toMatch(/^2\.\d+\.\d+/);
    expect(servers.nats.url).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
    expect(lines).toContainEqual(
      expect.stringContaining(`redis-server ${servers.redis.version} from PATH (`),
    );
    expect(lines).toContainEqual(expect.stringContaining(`nats-server ${servers.nats.version} from PATH (`));

    await servers.stop();
    await servers.stop();
    expect([servers.redis.pid, servers.nats.pid]).toEqual([undefined, undefined]);
    await expect(askRedis(servers.redis.url)).rejects.toThrow('ECONNREFUSED');
    await expect(askNats(servers.nats.url)).rejects.toThrow('ECONNREFUSED');
  });

  it('that start at the same time get different ports', async () => {
    const servers = await Promise.all([redisServer(), redisServer(), natsServer(), natsServer()]);
    const ports = servers.map(({ url }) => new URL(url).port);
    expect(new Set(ports).size).toBe(4);
  });

  it('leave nothing running if one of them does not come up', async () => {
    const redisPort = await freePort();
    const failing = startServers({
      dataDir: await dataDir(),
      env,
      redis: { port: redisPort },
      natsConfig: 'no_such_setting: 1',
    });
    await expect(failing).rejects.toThrow('no_such_setting');
    await expect(askRedis(`redis://127.0.0.1:${redisPort}`)).rejects.toThrow('ECONNREFUSED');
  });
});

describe('redis', () => {
  it('is the process that was started, and keeps everything it is given', async () => {
    const server = await redisServer();
    expect(await askRedis(server.url)).toMatchObject({ processId: server.pid, ready: true });
    const settings = await withRedis(server.url, (redis) =>
      redis.config('GET', 'maxmemory-policy', 'save', 'appendonly', 'appendfsync', 'bind', 'protected-mode'),
    );
    expect(settings).toEqual(
      expect.arrayContaining(['noeviction', 'save', '', 'appendonly', 'everysec', 'bind', '127.0.0.1']),
    );
  });

  it('has its data again after SIGKILL and a restart on the same port', async () => {
    const server = await redisServer({ extraArgs: ['--appendfsync', 'always'] });
    const { url, pid } = server;
    await withRedis(url, (redis) => redis.set('kept', 'yes'));

    await server.kill();
    expect(server.pid).toBeUndefined();
    await expect(askRedis(url)).rejects.toThrow('ECONNREFUSED');

    await server.restart();
    expect(server.url).toBe(url);
    expect(server.pid).not.toBe(pid);
    expect(await withRedis(url, (redis) => redis.get('kept'))).toBe('yes');
  });

  it('begins empty after a restart without an append-only file', async () => {
    const server = await redisServer({ appendOnly: false });
    await withRedis(server.url, (redis) => redis.set('kept', 'no'));
    await server.restart();
    expect(await withRedis(server.url, (redis) => redis.get('kept'))).toBeNull();
  });

  it('can be paused, and killed while it is', async () => {
    const server = await redisServer();
    await withRedis(server.url, async (redis) => {
      await redis.ping();
      await server.kill('SIGSTOP');
      let answered = false;
      const answer = redis.ping().then(() => {
        answered = true;
      });
      // Longer than an answer takes, and whatever it takes, a paused server cannot answer.
      await promisify(execFile)('true');
      expect(answered).toBe(false);
      await server.kill('SIGCONT');
      await answer;
    });
    await server.kill('SIGSTOP');
    await server.kill();
    expect(server.pid).toBeUndefined();
  });

  it('may be stopped and restarted at once: what was asked for last holds', async () => {
    const server = await redisServer();
    await Promise.all([server.restart(), server.stop(), server.restart()]);
    expect(await askRedis(server.url)).toMatchObject({ processId: server.pid });
    await Promise.all([server.restart(), server.stop()]);
    expect(server.pid).toBeUndefined();
  });

  it('is not started on a port that another one has', async () => {
    const first = await redisServer();
    const port = Number(new URL(first.url).port);
    await expect(redisServer({ port })).rejects.toThrow(ServerStartError);
    expect(await askRedis(first.url)).toMatchObject({ processId: first.pid });
  });

  it.skipIf(process.platform !== 'linux')('is not started on a folder that another one uses', async () => {
    const folder = await dataDir();
    const first = await redisServer({ dataDir: folder });
    await expect(redisServer({ dataDir: folder })).rejects.toThrow('data folder is in use by another server');
    expect(await askRedis(first.url)).toMatchObject({ processId: first.pid });
  });

  it('tells what it printed if it does not come up', async () => {
    const failing = redisServer({ extraArgs: ['--no-such-setting', '1'] });
    await expect(failing).rejects.toThrow(ServerStartError);
    await expect(failing).rejects.toThrow(/ended with exit code 1.*no-such-setting/s);
  });

  it('is given up when it is not ready in time, and does not stay behind', async () => {
    const folder = await dataDir();
    const sleeper = join(folder, 'redis-server');
    await writeFile(sleeper, '#!/bin/sh\necho $$ > pid\nexec sleep 60\n', { mode: 0o755 });
    const failing = redisServer({
      dataDir: folder,
      env: { ...env, CONVERGE_REDIS_SERVER: sleeper },
      startDeadlineMs: 300,
    });
    await expect(failing).rejects.toThrow('was not ready');
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

describe('nats', () => {
  it('has its streams again after SIGKILL and a restart on the same port', async () => {
    const server = await natsServer();
    const { url } = server;
    const { identity } = await askNats(url);
    const before = await connect({ servers: url });
    await (await jetstreamManager(before)).streams.add({ name: 'kept', subjects: ['kept.>'] });
    await jetstream(before).publish('kept.one', 'message');
    await before.close();

    await server.kill();
    await server.restart();

    expect(server.url).toBe(url);
    expect((await askNats(url)).identity).not.toBe(identity);
    const after = await connect({ servers: url });
    const { state } = await (await jetstreamManager(after)).streams.info('kept');
    await after.close();
    expect(state.messages).toBe(1);
  });

  it('takes limits, a monitoring port and more configuration', async () => {
    const httpPort = await freePort();
    const server = await natsServer({
      httpPort,
      maxPayloadBytes: 65_536,
      maxStoreBytes: 50_000_000,
      config: 'mappings = { "from.*": "to.$1" }',
    });
    const response = await fetch(`http://127.0.0.1:${httpPort}/varz`);
    expect(await response.json()).toMatchObject({
      max_payload: 65_536,
      jetstream: { config: { max_storage: 50_000_000 } },
    });

    const connection = await connect({ servers: server.url });
    const received = new Promise<string>((resolve) => {
      connection.subscribe('to.here', { callback: (_, message) => resolve(message.string()) });
    });
    connection.publish('from.here', 'mapped');
    expect(await received).toBe('mapped');
    await connection.close();
  });

  it('tells what it printed if it does not come up', async () => {
    await expect(natsServer({ config: 'no_such_setting: 1' })).rejects.toThrow(
      /the nats server ended with exit code 1.*no_such_setting/s,
    );
  });

  it.skipIf(process.platform !== 'linux')('listens on loopback only', async () => {
    const server = await natsServer();
    const { stdout } = await promisify(execFile)('cat', [`/proc/${server.pid}/net/tcp`]);
    const port = Number(new URL(server.url).port).toString(16).toUpperCase();
    const listening = stdout.split('\n').filter((line) => line.includes(`:${port} 00000000:0000 0A`));
    expect(listening).toHaveLength(1);
    expect(listening[0]).toContain(`0100007F:${port}`);
  });
});
