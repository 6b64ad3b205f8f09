/** `converge auth` and `converge dev --auth`, as somebody at a terminal uses them. */
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryDataDir } from '../../src/servers/index.ts';
import { until } from '../support/until.ts';
import { jsonOf, useConverge } from './command.ts';
import { LITTLE_ROOM, useServers } from './servers.ts';

useServers();
const converge = useConverge(() => ({
  CONVERGE_LOG_MAX_BYTES: String(LITTLE_ROOM),
  CONVERGE_EVENTS_MAX_BYTES: String(LITTLE_ROOM),
}));

async function emptyFolder(): Promise<string> {
  const dir = await temporaryDataDir('converge-auth-test');
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

it('makes the folder once, tells a seed once, shows who may do what, and forgets who is revoked', async () => {
  const cwd = await emptyFolder();
  const run = (...args: string[]) => converge(['auth', ...args], { cwd });

  const init = await run('init', '--shards', '4', '--json');
  expect(init).toMatchObject({ code: 0 });
  expect(jsonOf(init)).toMatchObject({ namespace: 'converge', shards: 4 });
  expect(init.stdout).not.toMatch(/SU[A-Z2-7]{56}/);
  expect(await run('init')).toMatchObject({
    code: 78,
    stdout: '',
    stderr: expect.stringContaining('not overwritten'),
  });

  const added = await run('add-agent', 'ann', '--events', 'press', 'desk');
  expect(added.code).toBe(0);
  const seed = /SU[A-Z2-7]{56}/.exec(added.stdout)?.[0] ?? '';
  expect(seed).not.toBe('');
  expect(added.stdout).toContain('# converge agent ann');
  expect(added.stderr).toContain('SIGHUP');

  const out = await run('add-observer', 'olga', '--out', 'keys/olga.nk', '--json');
  expect(jsonOf(out)).not.toHaveProperty('seed');
  expect((await stat(join(cwd, 'keys/olga.nk'))).mode & 0o777).toBe(0o600);

  const shown = jsonOf(await run('show', 'ann', '--json'));
  expect(shown).toMatchObject({ role: 'agent', account: 'CONVERGE_AGENTS', inboxPrefix: '_INBOX.ann' });
  expect(shown.publish).toContain('converge.decisions.*.*.ann');
  expect(shown.subscribe).toContain('converge.events.*.press');
  expect(shown.publish.filter((subject: string) => subject.startsWith('$JS.API'))).toEqual([]);
  const all = await run('show');
  for (const name of ['worker', 'operator', 'ann', 'olga']) expect(all.stdout).toContain(name);
  expect(all.stdout).not.toContain(seed);

  expect(await run('add-agent', 'ann')).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('--further-key'),
  });
  expect(await run('add-agent', '_ann')).toMatchObject({ code: 2 });
  expect(await run('revoke', 'ann')).toMatchObject({ code: 0 });
  expect(await run('revoke', 'ann')).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('no identity called ann'),
  });
  expect(await run('show', 'ann')).toMatchObject({ code: 78 });
  expect(await readFile(join(cwd, 'converge-auth/nats-accounts.conf'), 'utf8')).not.toContain('agent ann');

  expect(await run('redis')).toMatchObject({ code: 78, stderr: expect.stringContaining('--replace') });
  const replaced = await run('redis', '--replace', '--redis', 'redis://db:6379');
  expect(replaced.stdout).toMatch(/^CONVERGE_REDIS_URL=redis:\/\/converge-worker:.+@db:6379$/m);
});

it('dev --auth: whom one adds comes in, whom one revokes goes, and who has nothing is told so', {
  timeout: 120_000,
}, async () => {
  const cwd = await emptyFolder();
  const started = converge.start(['dev', '--json', '--auth', '--shards', '2'], { cwd });
  const [system] = await started.json();
  const { env } = system;
  expect(Object.keys(env)).toEqual(
    expect.arrayContaining([
      'CONVERGE_NATS_NKEY',
      'CONVERGE_AUTH_DIR',
      'CONVERGE_NATS_URL',
      'CONVERGE_REDIS_URL',
    ]),
  );
  // The operator, by the variables that were printed.
  expect(await converge(['doctor'], { env })).toMatchObject({ code: 0 });
  expect(await converge(['auth', 'add-agent', 'ann', '--out', join(cwd, 'ann.nk')], { env })).toMatchObject({
    code: 0,
  });
  const ann = { ...env, CONVERGE_NATS_NKEY: join(cwd, 'ann.nk') };
  await until('ann to be known', async () => (await converge(['query', 'pools'], { env: ann })).code === 0);
  const published = await converge(['publish', 'p', 'CreatePool', '--json'], { env: ann });
  expect(jsonOf(published)).toMatchObject({ status: 'accepted', agent: 'ann' });
  expect(await converge(['publish', 'p', 'CreatePool', '--agent', 'bob'], { env: ann })).toMatchObject({
    code: 77,
    stderr: expect.stringContaining('converge auth add-agent bob'),
  });
  expect(await converge(['tail', 'results', '--agent', 'bob', '--count', '1'], { env: ann })).toMatchObject({
    code: 77,
  });
  expect(await converge(['tail', 'deadletters', '--count', '1'], { env: ann })).toMatchObject({ code: 77 });
  const events = await converge(['tail', 'events', '--pool', 'p', '--since', 'all', '--count', '1'], {
    env: ann,
  });
  expect(events).toMatchObject({ code: 0, stdout: expect.stringContaining('pool.created') });
  const { CONVERGE_NATS_NKEY: _none, ...nobody } = env;
  expect(await converge(['query', 'pools'], { env: nobody })).toMatchObject({
    code: 77,
    stderr: expect.stringContaining('requires credentials'),
  });
  // The owner of a pool operates it; the whole system is not hers.
  const paused = await converge(['pause', 'p'], { env: ann });
  expect(paused).toMatchObject({ code: 0, stdout: expect.stringContaining('by ann') });
  expect(await converge(['ban', 'bob'], { env: ann })).toMatchObject({ code: 77 });
  expect(await converge(['resume', 'p'], { env })).toMatchObject({ code: 0 });
  expect(await converge(['digest'], { env })).toMatchObject({ code: 0 });
  const following = converge.start(['tail', 'results', '--agent', 'ann'], { env: ann });
  await until('it to follow', () => following.stderr.includes('following'));
  expect(await converge(['auth', 'revoke', 'ann'], { env })).toMatchObject({ code: 0 });
  expect(await following.ended).toMatchObject({ code: 77, stderr: expect.stringContaining('revoked?') });
  await until(
    'ann to be refused',
    async () => (await converge(['query', 'pools'], { env: ann })).code === 77,
  );
  // Without its worker it is nothing.
  expect(await converge(['auth', 'revoke', 'worker'], { env })).toMatchObject({ code: 0 });
  expect(await started.ended).toMatchObject({ code: 77, stderr: expect.stringContaining('revoked?') });

  // The folder remembers; without --auth it is not taken for an empty one.
  const forgotten = await converge(['dev', '--data-dir', '.converge-auth', '--shards', '2'], { cwd });
  expect(forgotten).toMatchObject({ code: 78, stderr: expect.stringContaining('start it with --auth') });
});

it('dev --auth is not for servers that are given', async () => {
  const env = { CONVERGE_NATS_URL: 'nats://127.0.0.1:4222' };
  expect(await converge(['dev', '--auth'], { env, cwd: await emptyFolder() })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('converge auth init'),
  });
});
