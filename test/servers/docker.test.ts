import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { askRedis } from '../../src/servers/ask-redis.ts';
import { thisHost } from '../../src/servers/host.ts';
import { startRedis } from '../../src/servers/index.ts';
import { runArguments } from '../../src/servers/launch-container.ts';
import { useDataDirs } from './data-dirs.ts';

const dataDir = useDataDirs();

it('a container publishes on loopback only, mounts the data and runs as the user', () => {
  const args = runArguments('name', {
    docker: '/usr/bin/docker',
    image: 'nats:2.12-alpine',
    args: ['--config', '/data/nats-server.conf'],
    env: {},
    dataDir: '/home/me/data',
    ports: [
      [20_001, 4222],
      [20_002, 20_002],
    ],
    logFile: '/home/me/data/nats-server.log',
  });
  const line = args.join(' ');
  expect(line).toMatch(/^run --rm --detach --name name /);
  expect(line).toContain('--publish 127.0.0.1:20001:4222 --publish 127.0.0.1:20002:20002');
  expect(line).toContain(`--user ${process.getuid?.()}:${process.getgid?.()}`);
  expect(line).toMatch(
    /--volume \/home\/me\/data:\/data nats:2\.12-alpine --config \/data\/nats-server\.conf$/,
  );
});

it('a server in a container is started, killed, restarted and stopped through docker', async () => {
  const state = await dataDir();
  const docker = join(state, 'docker');
  const fake = fileURLToPath(new URL('./fixtures/fake-docker.mjs', import.meta.url));
  // PATH is for the fake only: from us, the binary is hidden.
  const script = `#!/bin/sh\nPATH='${process.env.PATH}' exec '${process.execPath}' '${fake}' "$@"\n`;
  await writeFile(docker, script, { mode: 0o755 });
  const server = await startRedis(
    {
      dataDir: await dataDir(),
      env: { PATH: state, FAKE_DOCKER_STATE: state },
      extraArgs: ['--appendfsync', 'always'],
    },
    { ...thisHost, extraFolders: [] },
  );

  expect(server).toMatchObject({ source: 'docker', pid: undefined, command: undefined });
  const { identity } = await askRedis(server.url);
  const redis = new Redis(server.url);
  await redis.set('kept', 'yes');
  redis.disconnect();

  await server.kill();
  await expect(askRedis(server.url)).rejects.toThrow('ECONNREFUSED');
  await server.restart();
  expect((await askRedis(server.url)).identity).not.toBe(identity);
  const again = new Redis(server.url);
  expect(await again.get('kept')).toBe('yes');
  again.disconnect();

  await server.stop();
  await expect(askRedis(server.url)).rejects.toThrow('ECONNREFUSED');
  const calls = (await readFile(join(state, 'calls'), 'utf8')).trim().split('\n');
  const commands = calls.map((call) => JSON.parse(call)[0]).filter((command) => command !== 'exec');
  expect(commands).toEqual(['info', 'run', 'logs', 'kill', 'run', 'logs', 'kill']);
});
