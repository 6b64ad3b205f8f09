/** The same identities as JWTs: a server with an operator, creds files with the permissions of `converge auth show`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { closeNats, connectNats } from '../../src/bus/connection.ts';
import { runCli } from '../../src/cli/cli.ts';
import {
  acceptedOrThrow,
  ConvergeClient,
  NotAuthorizedError,
  PermissionDeniedError,
  TaskManager,
} from '../../src/index.ts';
import type { Grantee } from '../../src/protocol/permissions.ts';
import type { Servers } from '../../src/servers/index.ts';
import { parseConfig } from '../../src/workers/config.ts';
import { type RunningWorker, startWorker } from '../../src/workers/process/worker.ts';
import { OwnSystem } from '../../verify/kit/system/own-system.ts';
import { until } from '../support/until.ts';
import { JwtOperator, type UserOptions } from './jwt.ts';

vi.setConfig({ testTimeout: 300_000 });

const SHARDS = 2;
const operator = new JwtOperator('converge', SHARDS);
let system: OwnSystem;
let servers: Servers;
let worker: RunningWorker;

beforeAll(async () => {
  const nats = { config: operator.config() };
  system = await OwnSystem.start({ name: 'creds', env: process.env, nats });
  servers = system.servers;
  const config = parseConfig({
    natsUrl: servers.nats.url,
    redisUrl: servers.redis.url,
    natsCreds: await credsOf({ role: 'worker', name: 'wanda' }),
    auth: true,
    shards: SHARDS,
    httpPort: -1,
    snapshotEveryMs: 1_000,
    snapshotEveryDecisions: 1,
    logMaxBytes: 64 * 1024 * 1024,
    eventsMaxBytes: 64 * 1024 * 1024,
  });
  worker = await startWorker(config, { logger: pino({ level: 'silent' }) });
  await until('it to be ready', () => worker.shards.length === SHARDS && worker.notReady().length === 0);
});
afterAll(async () => {
  await worker?.stop();
  await system?.stop();
});

/** A creds file, as somebody with `nsc` would have it. */
async function credsOf(grantee: Grantee, options?: UserOptions, by = operator): Promise<string> {
  const file = join(system.dataDir, `${grantee.name}.creds`);
  await writeFile(file, by.creds(grantee, options), { mode: 0o600 });
  return file;
}

async function client(grantee: Grantee, options?: UserOptions, by = operator): Promise<ConvergeClient> {
  const creds = await credsOf(grantee, options, by);
  return await ConvergeClient.connect({
    agent: grantee.name,
    url: servers.nats.url,
    credentials: { creds },
    timeoutMs: 10_000,
  });
}

/** The command in this process, with an environment and nothing else. */
async function converge(
  env: Readonly<Record<string, string>>,
  ...argv: string[]
): Promise<{ code: number; text: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  let text = '';
  for (const stream of [stdout, stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const stdin = new PassThrough();
  stdin.end();
  const code = await runCli({
    argv,
    env: { CONVERGE_NATS_URL: servers.nats.url, ...env },
    cwd: system.dataDir,
    stdin,
    stdout,
    stderr,
  });
  return { code, text };
}

it('an agent decides, hears its outcome and the events of its private pool; another one does not', async () => {
  await using ann = await client({ role: 'agent', name: 'ann' });
  await using bob = await client({ role: 'agent', name: 'bob' });
  const admission = { kind: 'allowlist' as const, agents: ['ann'] };
  acceptedOrThrow(await ann.decide('vault', { type: 'CreatePool', admission }));
  acceptedOrThrow(await ann.decide('vault', { type: 'JoinPool' }));
  acceptedOrThrow(await new TaskManager(ann).submit({ taskId: 't1', objective: 'x' }, { pool: 'vault' }));
  const types: string[] = [];
  for await (const { type } of ann.events({ pool: 'vault', start: 'all' })) {
    types.push(type);
    if (types.length === 3) break;
  }
  expect(types).toEqual(['converge.pool.created', 'converge.member.joined', 'converge.task.submitted']);
  await expect(bob.query('pool', { pool: 'vault' })).rejects.toThrow('pool_not_found');
  await expect(bob.events({ pool: 'vault' }).opened).rejects.toThrow('pool_not_found');
  await expect(bob.withAgent('ann').decide('commons', { type: 'Heartbeat' })).rejects.toThrow(
    PermissionDeniedError,
  );
});

it('a client that knows no shards decides, too: the mapping is in the accounts', async () => {
  const creds = await credsOf({ role: 'agent', name: 'raw' });
  const connection = await connectNats({ url: servers.nats.url, name: 'raw', credentials: { creds } });
  const results = connection.subscribe('converge.results.raw.d1', { max: 1 });
  const ack = await connection.request('converge.decide.commons.raw', '{"id":"d1","type":"Heartbeat"}', {
    timeout: 5_000,
  });
  expect(ack.json()).toMatchObject({ stream: 'CONVERGE_DECISIONS' });
  for await (const result of results)
    expect(result.json()).toMatchObject({ status: 'accepted', agent: 'raw' });
  await closeNats(connection);
});

it('an operator operates and an observer sees, each by its file', async () => {
  await using otto = await client({ role: 'operator', name: 'otto' });
  await using olga = await client({ role: 'observer', name: 'olga' });
  expect((await otto.query('pools', {})).items.map(({ pool }) => pool)).toContain('vault');
  expect((await olga.query('pools', {})).items.map(({ pool }) => pool)).toContain('vault');
  const env = {
    CONVERGE_NATS_CREDS: join(system.dataDir, 'otto.creds'),
    CONVERGE_REDIS_URL: servers.redis.url,
  };
  expect(await converge(env, 'ban', 'mallory')).toMatchObject({ code: 0 });
  expect(await converge(env, 'unban', 'mallory')).toMatchObject({ code: 0 });
  expect(await converge(env, 'pause', 'vault')).toMatchObject({ code: 0 });
  expect(await converge(env, 'doctor')).toMatchObject({ code: 0 });
  expect(await converge(env, 'digest')).toMatchObject({ code: 0 });
  expect(
    await converge(
      { CONVERGE_NATS_CREDS: join(system.dataDir, 'olga.creds') },
      'tail',
      'events',
      '--since',
      'all',
      '--count',
      '1',
    ),
  ).toMatchObject({ code: 0 });
});

it('the command needs nothing but the file: the JWT says whose inboxes they are', async () => {
  const env = { CONVERGE_NATS_CREDS: await credsOf({ role: 'agent', name: 'cleo' }) };
  const published = await converge(env, 'publish', 'cleos', 'CreatePool', '--json');
  expect(published).toMatchObject({ code: 0 });
  expect(published.text).toContain('"agent":"cleo"');
  expect(await converge(env, 'query', 'pool', 'pool=cleos')).toMatchObject({ code: 0 });
  // Its owner may, without being an operator of the system.
  expect(await converge(env, 'pause', 'cleos')).toMatchObject({
    code: 0,
    text: expect.stringContaining('by cleo'),
  });
  expect(await converge(env, 'resume', 'cleos', '--as', 'cleo')).toMatchObject({ code: 0 });
  expect(await converge(env, 'ban', 'ann')).toMatchObject({
    code: 77,
    text: expect.stringContaining('_operator'),
  });
  expect(
    await converge(env, 'tail', 'events', '--pool', 'cleos', '--since', 'all', '--count', '1'),
  ).toMatchObject({ code: 0 });
});

it('a NATS context names the file', async () => {
  await credsOf({ role: 'agent', name: 'dora' });
  const contexts = join(system.dataDir, 'config', 'nats', 'context');
  await mkdir(contexts, { recursive: true });
  const write = (name: string, context: object) =>
    writeFile(join(contexts, `${name}.json`), JSON.stringify(context));
  await write('dora', { url: servers.nats.url, creds: join(system.dataDir, 'dora.creds') });
  const env = { XDG_CONFIG_HOME: join(system.dataDir, 'config'), CONVERGE_NATS_URL: '' };
  expect(await converge({ ...env, CONVERGE_NATS_CONTEXT: 'dora' }, 'query', 'pools')).toMatchObject({
    code: 0,
  });
  expect(await converge(env, '--context', 'dora', 'publish', 'doras', 'CreatePool')).toMatchObject({
    code: 0,
    text: expect.stringContaining('by dora'),
  });
  expect(await converge(env, '--context', 'none', 'query', 'pools')).toMatchObject({ code: 78 });
  // Of another kind, which this server does not know.
  await write('stranger', { url: servers.nats.url, token: 'x', inbox_prefix: '_INBOX.stranger' });
  expect(await converge(env, '--context', 'stranger', 'query', 'pools')).toMatchObject({ code: 77 });
});

it('expired, foreign and unreadable ones are not let in, in so many words', async () => {
  const ann = { role: 'agent', name: 'zoe' } as const;
  await expect(client(ann, { exp: Math.floor(Date.now() / 1_000) - 60 })).rejects.toThrow(NotAuthorizedError);
  await expect(client(ann, {}, new JwtOperator('converge', SHARDS))).rejects.toThrow(NotAuthorizedError);
  const env = { CONVERGE_NATS_CREDS: join(system.dataDir, 'none.creds') };
  expect(await converge(env, 'query', 'pools')).toMatchObject({
    code: 78,
    text: expect.stringContaining('could not read'),
  });
});

it('a file that expires while its agent is connected ends the connection, and says so', async () => {
  // Whoever is sent away within the second in which the file expires is let in once more: at all times of a second.
  const said = Array.from({ length: 10 }, async (_, i) => {
    await delay(i * 100);
    await using una = await client(
      { role: 'agent', name: `una-${i}` },
      { exp: Math.floor(Date.now() / 1_000) + 4 },
    );
    acceptedOrThrow(await una.decide('commons', { type: 'Heartbeat' }));
    await until(`number ${i} to be refused`, async () => {
      const error = await una.query('pools', {}, { timeoutMs: 500 }).catch((reason: unknown) => reason);
      return error instanceof NotAuthorizedError;
    });
  });
  await Promise.all(said);
});

it('a file that is empty for a moment, because somebody writes it anew, does not cost the connection', async () => {
  const creds = await credsOf({ role: 'agent', name: 'eve' });
  const connection = await connectNats({ url: servers.nats.url, name: 'eve', credentials: { creds } });
  try {
    await writeFile(creds, '');
    await connection.reconnect();
    await until('it to be there again', async () => {
      expect(connection.isClosed()).toBe(false);
      await connection.flush();
      return true;
    });
  } finally {
    await closeNats(connection);
  }
});

it('without permissions in the JWT (scoped signing keys) a line in the file says whose it is', async () => {
  const file = join(system.dataDir, 'scoped.creds');
  await writeFile(
    file,
    `# converge agent sue\n${operator.creds({ role: 'agent', name: 'sue' }, { isWithoutPermissions: true })}`,
  );
  const env = { CONVERGE_NATS_CREDS: file };
  const published = await converge(env, 'publish', 'commons', 'Heartbeat');
  expect(published).toMatchObject({ code: 0, text: expect.stringContaining('by sue') });
});
