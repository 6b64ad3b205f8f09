/** docker-compose.auth.yml without Docker: what it names is what `converge auth init` writes, and what the servers take. */
import { execFile } from 'node:child_process';
import { access, copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AuthFolder } from '../../src/auth/auth-folder.ts';
import { begin } from '../../src/auth/begin.ts';
import { configFromEnv, configVariables } from '../../src/workers/config.ts';

const ours = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
let place: string;
let compose: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'converge-compose-'));
  // As the first lines of the file say, seen from inside the containers.
  await begin(new AuthFolder(join(place, 'auth')), {
    namespace: 'converge',
    shards: 16,
    redisUrl: 'redis://redis:6379',
  });
  compose = await readFile(ours('docker-compose.auth.yml'), 'utf8');
});
afterAll(async () => {
  await rm(place, { recursive: true, force: true });
});

it('every file that is mounted or named is made', async () => {
  const named = [...compose.matchAll(/(?:\.\/converge-auth|\/etc\/redis-auth)\/([\w./-]+)/g)].map(
    ([, path]) => path,
  );
  expect(new Set(named)).toEqual(
    new Set(['redis-users.acl', 'credentials/redis.env', 'credentials/worker.nk']),
  );
  for (const path of named) await access(join(place, 'auth', String(path)));
});

it('Redis is started with a copy that it can read, as the image gives up root before', () => {
  const copied = /install -o redis -g redis -m 0400 (\S+) (\S+) && exec docker-entrypoint\.sh "\$\$@"/.exec(
    compose,
  );
  expect(copied?.[1]).toBe('/etc/redis-auth/redis-users.acl');
  expect(compose).toContain(`"--aclfile", "${copied?.[2]}"`);
});

it('the variables are settings, and a worker takes them', async () => {
  const environment = await readFile(join(place, 'auth/credentials/redis.env'), 'utf8');
  const both = compose + (await readFile(ours('docker-compose.yml'), 'utf8'));
  const used = [...both.matchAll(/^ +(CONVERGE_\w+):/gm)].map(([, name]) => name);
  expect(used.length).toBeGreaterThan(4);
  for (const name of used) expect(configVariables()).toContain(name);
  const urls = Object.fromEntries(
    environment
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  );
  const config = configFromEnv({
    ...urls,
    CONVERGE_AUTH: 'true',
    CONVERGE_NATS_NKEY: '/run/converge/worker.nk',
  });
  expect(config).toMatchObject({ auth: true, redisUrl: expect.stringContaining('@redis:6379') });
  expect(config.bullRedisUrl).toContain('converge-bullmq');
});

it('nats-server takes deploy/nats-auth.conf with what is made', async () => {
  await copyFile(ours('deploy/nats-auth.conf'), join(place, 'nats-auth.conf'));
  const nats = process.env.CONVERGE_NATS_SERVER ?? 'nats-server';
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
  const { stderr } = await promisify(execFile)(nats, ['-t', '-c', join(place, 'nats-auth.conf')], { env });
  expect(stderr).toContain('is valid');
});
