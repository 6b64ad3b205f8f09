/** Every kind of credentials, on a server that asks for them. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { closeNats, connectNats } from '../../src/bus/connection.ts';
import type { NatsCredentials } from '../../src/bus/credentials.ts';
import { ConvergeClient } from '../../src/index.ts';
import { CredentialsError, NotAuthorizedError } from '../../src/lib/errors.ts';
import { seedFileText } from '../../src/protocol/seed-file.ts';
import { type RunningServer, startNats } from '../../src/servers/index.ts';
import { configFromEnv, natsAccess } from '../../src/workers/config.ts';

let dir: string;
let server: RunningServer;
const pair = createUser();
const seed = Buffer.from(pair.getSeed()).toString();
const file = (name: string): string => join(dir, name);
const env = { ...process.env, CONVERGE_NATS_URL: undefined };

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'converge-credentials-'));
  const users = `{ user: ann, password: secret, permissions: { subscribe: ["_INBOX.ann.>"], publish: [">"] } }`;
  const nkey = `{ nkey: ${pair.getPublicKey()}, permissions: { subscribe: ["_INBOX._operator.otto.>"], publish: [">"] } }`;
  server = await startNats({
    dataDir: file('nats'),
    env,
    config: `authorization { users: [${users}, ${nkey}] }`,
  });
  await writeFile(file('otto.nk'), seedFileText({ role: 'operator', name: 'otto' }, seed));
  await writeFile(file('empty.nk'), '# nothing\n');
});
afterAll(async () => {
  await server?.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Connects and asks something, which works only with an inbox that the server allows. */
async function ask(credentials: NatsCredentials | undefined, url = server.url): Promise<string> {
  const fallback = { role: 'agent', name: 'ann' } as const;
  const connection = await connectNats({ url, name: 'test', credentials, fallback });
  const reply = await connection.request('$JS.API.INFO', '', { timeout: 2_000 }).then(
    (message) => typeof message.json<{ type: string }>().type,
    (error) => String(error),
  );
  await closeNats(connection);
  return reply;
}

it('a seed file is enough: it says whose inboxes to use', async () => {
  expect(await ask({ nkey: file('otto.nk') })).toBe('string');
});

it('a seed, with an identity', async () => {
  expect(await ask({ seed, identity: { role: 'operator', name: 'otto' } })).toBe('string');
});

it('a user and a password, with the inboxes of the name', async () => {
  expect(await ask({ user: 'ann', password: 'secret' })).toBe('string');
});

it('another inbox prefix is refused by the server', async () => {
  expect(await ask({ user: 'ann', password: 'secret', inboxPrefix: '_INBOX.bob' })).toContain(
    'Permissions Violation',
  );
});

it('none, wrong ones and unknown keys are not authorized, in so many words', async () => {
  const stranger = Buffer.from(createUser().getSeed()).toString();
  for (const credentials of [
    undefined,
    { user: 'ann', password: 'wrong' },
    { seed: stranger },
    { token: 't' },
  ]) {
    await expect(ask(credentials)).rejects.toThrow(NotAuthorizedError);
    await expect(ask(credentials)).rejects.toThrow('converge auth show');
    await expect(ask(credentials)).rejects.toThrow(
      credentials === undefined ? 'requires credentials' : 'does not know these credentials',
    );
  }
});

it('what cannot be used is named', async () => {
  await expect(ask({ nkey: file('none.nk') })).rejects.toThrow('could not read ');
  await expect(ask({ nkey: file('empty.nk') })).rejects.toThrow('holds no seed of a user');
  await expect(ask({ user: 'ann', password: 'x', token: 't' })).rejects.toThrow('user and token');
  await expect(ask({ password: 'x' })).rejects.toThrow('a password without a user');
  await expect(ask({ cert: file('otto.nk') })).rejects.toThrow('belong together');
  await expect(ask({ nkey: file('none.nk') })).rejects.toThrow(CredentialsError);
});

it('the environment names them', () => {
  const { credentials } = natsAccess(
    configFromEnv({
      CONVERGE_NATS_USER: 'ann',
      CONVERGE_NATS_PASSWORD: 'secret',
      CONVERGE_NATS_CA: 'ca.pem',
    }),
  );
  expect(credentials).toEqual({ user: 'ann', password: 'secret', ca: 'ca.pem' });
  expect(natsAccess(configFromEnv({})).credentials).toBeUndefined();
});

it('a URL may say who one is, unless something else does', async () => {
  const url = (proof: string) => server.url.replace('nats://', `nats://${proof}@`);
  const access = (natsUrl: string, others: Record<string, string> = {}) =>
    natsAccess(configFromEnv({ CONVERGE_NATS_URL: natsUrl, ...others }));
  const inUrl = access(url('ann:secret'));
  expect(inUrl.credentials).toEqual({ user: 'ann', password: 'secret' });
  expect(await ask(inUrl.credentials, inUrl.url)).toBe('string');
  expect(access(url('a%2Fb:c%40d')).credentials).toEqual({ user: 'a/b', password: 'c@d' });
  expect(access(url('s3cret')).credentials).toEqual({ token: 's3cret' });
  expect(access(url('ann:secret'), { CONVERGE_NATS_NKEY: 'otto.nk' }).credentials).toEqual({
    nkey: 'otto.nk',
  });
  expect(access(server.url).credentials).toBeUndefined();
  const client = await ConvergeClient.connect({ agent: 'ann', url: url('ann:secret') });
  await client.close();
});

it('a NATS context has the URL and the credentials, unless others are given', async () => {
  const home = file('home');
  const folder = join(home, '.config/nats/context');
  await mkdir(folder, { recursive: true });
  const context = {
    description: 'x',
    url: server.url,
    user: 'ann',
    password: 'secret',
    inbox_prefix: '_INBOX.ann',
  };
  await writeFile(join(folder, 'mine.json'), JSON.stringify(context));
  const access = natsAccess(configFromEnv({ HOME: home, CONVERGE_NATS_CONTEXT: 'mine' }));
  expect(access.url).toBe(server.url);
  expect(await ask(access.credentials, access.url)).toBe('string');
  const given = natsAccess(
    configFromEnv({ HOME: home, CONVERGE_NATS_CONTEXT: 'mine', CONVERGE_NATS_URL: 'nats://elsewhere:4222' }),
  );
  expect(given.url).toBe('nats://elsewhere:4222');
  expect(() => configFromEnv({ HOME: home, CONVERGE_NATS_CONTEXT: 'another' })).toThrow(CredentialsError);
});

it('paths of a context may begin at home', async () => {
  const home = file('home2');
  const folder = join(home, '.config/nats/context');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'otto.json'), JSON.stringify({ url: server.url, nkey: '~/otto.nk' }));
  await writeFile(join(home, 'otto.nk'), seedFileText({ role: 'operator', name: 'otto' }, seed));
  const { url, credentials } = natsAccess(configFromEnv({ HOME: home, CONVERGE_NATS_CONTEXT: 'otto' }));
  expect(await ask(credentials, url)).toBe('string');
});

it('contexts may be elsewhere than at home, which moves nobody’s home', async () => {
  const folder = file('config/nats/context');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'otto.json'), JSON.stringify({ url: server.url, nkey: '~/keys/otto.nk' }));
  const config = configFromEnv({ XDG_CONFIG_HOME: file('config'), CONVERGE_NATS_CONTEXT: 'otto' });
  expect(natsAccess(config).credentials).toEqual({ nkey: join(homedir(), 'keys/otto.nk') });
});

it('a seed file may be copied from a terminal or from another system', async () => {
  const text = seedFileText({ role: 'operator', name: 'otto' }, seed);
  await writeFile(file('indented.nk'), text.replace(/^/gm, '  '));
  await writeFile(file('crlf.nk'), text.replace(/\n/g, '\r\n'));
  expect(await ask({ nkey: file('indented.nk') })).toBe('string');
  expect(await ask({ nkey: file('crlf.nk') })).toBe('string');
});
