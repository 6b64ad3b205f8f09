import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { fromSeed } from '@nats-io/nkeys';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AuthFolder } from '../../src/auth/auth-folder.ts';
import { begin, credentialFiles, readRedisPasswords, renewRedis } from '../../src/auth/begin.ts';
import { redisAcl } from '../../src/auth/redis-acl.ts';
import { MAX_KEYS } from '../../src/auth/register.ts';
import { AuthFolderError } from '../../src/lib/errors.ts';
import { identityIn } from '../../src/protocol/seed-file.ts';

let place: string;
let folder: AuthFolder;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'converge-auth-'));
  folder = new AuthFolder(join(place, 'auth'));
});
afterEach(async () => {
  await rm(place, { recursive: true, force: true });
});

const OPTIONS = { namespace: 'converge', shards: 16, redisUrl: 'redis://127.0.0.1:6379' };

const REDIS = { redisUrl: undefined, isReplacing: true, file: undefined };

async function code(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'none',
    (error) => (error instanceof AuthFolderError ? error.code : String(error)),
  );
}

it('only the owner can look into it', async () => {
  await begin(folder, OPTIONS);
  const modes = await Promise.all(
    (await readdir(folder.path, { recursive: true, withFileTypes: true })).map(async (entry) => {
      const { mode } = await stat(join(entry.parentPath, entry.name));
      return { isFolder: entry.isDirectory(), mode: mode & 0o777 };
    }),
  );
  expect(modes.length).toBeGreaterThan(5);
  for (const { isFolder, mode } of modes) expect(mode).toBe(isFolder ? 0o700 : 0o600);
  expect((await stat(folder.path)).mode & 0o777).toBe(0o700);
});

it('holds no seed, and no password but as a digest, outside the files of credentials', async () => {
  await begin(folder, OPTIONS);
  const { seed } = await folder.add({ role: 'agent', name: 'ann' });
  const { worker } = await readRedisPasswords(credentialFiles(folder).redis);
  for (const file of ['auth.json', 'nats-accounts.conf', 'redis-users.acl']) {
    const text = await readFile(join(folder.path, file), 'utf8');
    expect(text).not.toContain(seed);
    expect(text).not.toContain(worker);
    expect(text).not.toMatch(/SU[A-Z2-7]{56}/);
  }
});

it('the seed belongs to the public key, and its file says whose it is', async () => {
  await folder.init('converge', 16);
  const file = join(place, 'ann.nk');
  const { publicKey, seed } = await folder.add({ role: 'agent', name: 'ann' }, { file });
  expect(fromSeed(Buffer.from(seed)).getPublicKey()).toBe(publicKey);
  const text = await readFile(file, 'utf8');
  expect(text).toContain(seed);
  expect(identityIn(text)).toEqual({ role: 'agent', name: 'ann' });
});

it('overwrites nothing', async () => {
  await begin(folder, OPTIONS);
  expect(await code(folder.init('converge', 16))).toBe('already_initialised');
  const file = join(place, 'ann.nk');
  await writeFile(file, 'mine');
  expect(await code(folder.add({ role: 'agent', name: 'ann' }, { file }))).toBe('file_exists');
  expect(await readFile(file, 'utf8')).toBe('mine');
  expect((await folder.read()).identities.map(({ name }) => name)).toEqual(['worker', 'operator']);
  expect(await code(renewRedis(folder, { ...REDIS, isReplacing: false }))).toBe('file_exists');
});

it('names what it refuses', async () => {
  expect(await code(folder.read())).toBe('not_initialised');
  expect(await code(folder.add({ role: 'agent', name: 'ann' }))).toBe('not_initialised');
  await folder.init('converge', 16);
  await folder.add({ role: 'agent', name: 'ann' });
  expect(await code(folder.add({ role: 'agent', name: 'ann' }))).toBe('identity_exists');
  expect(await code(folder.add({ role: 'operator', name: 'ann' }))).toBe('identity_exists');
  expect(await code(folder.add({ role: 'agent', name: '_system' }))).toBe('reserved_name');
  expect(await code(folder.revoke('bob'))).toBe('unknown_identity');
  expect(await code(folder.revoke('ann', 'UNKNOWN'))).toBe('unknown_key');
  expect(await code(folder.add({ role: 'agent', name: 'bob' }, { isFurtherKey: true }))).toBe(
    'unknown_identity',
  );
  await writeFile(join(folder.path, 'auth.lock'), '');
  expect(await code(new AuthFolder(folder.path, { waitMs: 50 }).revoke('ann'))).toBe('busy');
  await rm(join(folder.path, 'auth.lock'));
  await writeFile(join(folder.path, 'auth.json'), '{"version": 2}');
  expect(await code(folder.revoke('ann'))).toBe('register_unreadable');
});

it('begins nothing where leftovers are in the way', async () => {
  const { operator } = credentialFiles(folder);
  await mkdir(dirname(operator), { recursive: true });
  await writeFile(operator, 'of an earlier one');
  expect(await code(begin(folder, OPTIONS))).toBe('file_exists');
  expect(await folder.exists()).toBe(false);
  await rm(operator);
  expect(await begin(folder, OPTIONS)).toHaveLength(2);
});

it('those who come at the same time take turns', async () => {
  await folder.init('converge', 16);
  const names = Array.from({ length: 12 }, (_, i) => `agent-${i}`);
  const add = (name: string) => new AuthFolder(folder.path).add({ role: 'agent', name });
  expect(await Promise.all(names.map((name) => code(add(name))))).toEqual(names.map(() => 'none'));
  const { identities } = await folder.read();
  expect(identities.map(({ name }) => name).sort()).toEqual([...names].sort());
  for (const { keys } of identities)
    expect(await readFile(folder.natsFile, 'utf8')).toContain(String(keys[0]));
  expect((await readdir(folder.path)).sort()).toEqual(['auth.json', 'nats-accounts.conf']);
});

it('of two who want the same name one gets it', async () => {
  await folder.init('converge', 16);
  const add = () => new AuthFolder(folder.path).add({ role: 'agent', name: 'ann' });
  expect((await Promise.all([code(add()), code(add())])).sort()).toEqual(['identity_exists', 'none']);
});

it('passwords of Redis that could not be told anybody are not in force', async () => {
  await begin(folder, OPTIONS);
  const acl = await readFile(folder.redisFile, 'utf8');
  const file = join(place, 'mine.env');
  await writeFile(file, 'mine');
  expect(await code(renewRedis(folder, { ...REDIS, file }))).toBe('file_exists');
  expect(await readFile(folder.redisFile, 'utf8')).toBe(acl);
  expect(await readFile(file, 'utf8')).toBe('mine');
});

it('new passwords of Redis are in the file for workers, too, which goes on naming the same server', async () => {
  await begin(folder, { ...OPTIONS, redisUrl: 'rediss://db:6380' });
  const { redis } = credentialFiles(folder);
  const before = await readRedisPasswords(redis);
  const file = join(place, 'new.env');
  const { passwords } = await renewRedis(folder, { ...REDIS, file });
  expect(passwords).not.toEqual(before);
  for (const each of [redis, file]) {
    expect(await readRedisPasswords(each)).toEqual(passwords);
    expect(await readFile(each, 'utf8')).toContain('@db:6380');
    expect((await stat(each)).mode & 0o777).toBe(0o600);
  }
  expect(await readFile(folder.redisFile, 'utf8')).toBe(redisAcl('converge', passwords));
  await renewRedis(folder, { ...REDIS, redisUrl: 'redis://elsewhere:1' });
  expect(await readFile(redis, 'utf8')).toContain('@elsewhere:1');
});

it('keys are replaced without a moment in which none is good', async () => {
  await folder.init('converge', 16);
  const old = await folder.add({ role: 'agent', name: 'ann' });
  const next = await folder.add({ role: 'agent', name: 'ann' }, { isFurtherKey: true });
  const users = async (): Promise<string[]> =>
    (await readFile(folder.natsFile, 'utf8')).match(/U[A-Z2-7]{55}/g) ?? [];
  expect(await users()).toEqual([old.publicKey, next.publicKey]);
  await folder.revoke('ann', old.publicKey);
  expect(await users()).toEqual([next.publicKey]);
  for (let i = 1; i < MAX_KEYS; i++) await folder.add({ role: 'agent', name: 'ann' }, { isFurtherKey: true });
  expect(await code(folder.add({ role: 'agent', name: 'ann' }, { isFurtherKey: true }))).toBe(
    'too_many_keys',
  );
  await folder.revoke('ann');
  expect(await users()).toEqual([]);
});

it('several names are added together, or none of them', async () => {
  await folder.init('converge', 16);
  const agents = ['ann', 'bob', 'ann'].map((name) => ({ role: 'agent' as const, name }));
  expect(await code(folder.addAll(agents))).toBe('identity_exists');
  expect((await folder.read()).identities).toEqual([]);
  expect(await folder.addAll(agents.slice(0, 2))).toHaveLength(2);
});

it('nats-server takes the configuration, also while nobody is in it', async () => {
  const main = join(place, 'nats.conf');
  await writeFile(main, 'jetstream {}\ninclude auth/nats-accounts.conf\n');
  await folder.init('converge', 16);
  const nats = process.env.CONVERGE_NATS_SERVER ?? 'nats-server';
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
  const check = async (): Promise<string> =>
    (await promisify(execFile)(nats, ['-t', '-c', main], { env })).stderr;
  expect(await check()).toContain('configuration file');
  await folder.addAll([
    { role: 'agent', name: 'ann', events: ['press'] },
    { role: 'observer', name: 'olga' },
    { role: 'operator', name: 'otto' },
    { role: 'worker', name: 'wanda' },
  ]);
  expect(await check()).toContain('configuration file');
});
