import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askNats } from '../../src/servers/ask-nats.ts';
import { askRedis } from '../../src/servers/ask-redis.ts';
import { withoutCredentials } from '../../src/servers/given-server.ts';
import {
  freePort,
  type Servers,
  ServersUnavailableError,
  startNats,
  startRedis,
  startServers,
  temporaryDataDir,
} from '../../src/servers/index.ts';

let running: Servers;
let dataDir: string;

beforeAll(async () => {
  dataDir = await temporaryDataDir('converge-given-test');
  running = await startServers({
    dataDir,
    env: { ...process.env, CONVERGE_REDIS_URL: undefined, CONVERGE_NATS_URL: undefined },
  });
});

afterAll(async () => {
  await running.stop();
  await rm(dataDir, { recursive: true });
});

const nowhere = '/nonexistent/converge';

describe('a server given by its URL', () => {
  it('is used as it is and survives being stopped', async () => {
    const lines: string[] = [];
    const given = await startServers({
      dataDir: nowhere,
      env: { CONVERGE_REDIS_URL: running.redis.url, CONVERGE_NATS_URL: running.nats.url },
      log: (line) => lines.push(line),
    });

    const untouched = { source: 'url', pid: undefined, dataDir: undefined, command: undefined };
    const { version } = running.redis;
    expect(given.redis).toMatchObject({ ...untouched, url: running.redis.url, version });
    expect(given.nats).toMatchObject({ ...untouched, url: running.nats.url, version: running.nats.version });
    expect(lines).toContain(`redis-server ${version} from CONVERGE_REDIS_URL at ${running.redis.url}`);

    await given.stop();
    expect(await askRedis(running.redis.url)).toMatchObject({ processId: running.redis.pid });
    await askNats(running.nats.url);
  });

  it('is neither killed nor restarted', async () => {
    const given = await startRedis({ dataDir: nowhere, env: { CONVERGE_REDIS_URL: running.redis.url } });
    await expect(given.kill()).rejects.toThrow('was not started here');
    await expect(given.restart()).rejects.toThrow('was not started here');
    expect(await askRedis(running.redis.url)).toMatchObject({ processId: running.redis.pid });
  });

  it('that does not answer makes the servers unavailable, without its password in the message', async () => {
    const port = await freePort();
    const failing = startRedis({
      dataDir: nowhere,
      env: { CONVERGE_REDIS_URL: `redis://me:secret@127.0.0.1:${port}` },
    });
    await expect(failing).rejects.toThrow(ServersUnavailableError);
    await expect(failing).rejects.toThrow(
      `CONVERGE_REDIS_URL is set to redis://127.0.0.1:${port}, but it does not answer: connect ECONNREFUSED`,
    );
  });

  it('that speaks something else is told apart from one that is not there', async () => {
    const other = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n'));
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const env = { CONVERGE_NATS_URL: `nats://127.0.0.1:${port}` };
    await expect(startNats({ dataDir: nowhere, env })).rejects.toThrow('does not speak NATS');
    other.close();
  });

  it('may be one of several', async () => {
    const env = { CONVERGE_NATS_URL: `nats://127.0.0.1:${await freePort()},${running.nats.url}` };
    const given = await startNats({ dataDir: nowhere, env });
    expect(given).toMatchObject({ url: env.CONVERGE_NATS_URL, version: running.nats.version });
  });
});

it.each([
  ['redis://:p@ss@host:1/0', 'redis://host:1/0'],
  ['nats://a:b@one:1,nats://c@two:2,three', 'nats://one:1,nats://two:2,three'],
  ['me:secret@one,two', 'one,two'],
  ['redis://host', 'redis://host'],
])('%s is shown as %s', (url, shown) => {
  expect(withoutCredentials(url)).toBe(shown);
});
