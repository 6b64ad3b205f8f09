/** Both servers with TLS and nothing else, certificates signed by an authority of our own. */
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { connect } from '../../src/index.ts';
import { CredentialsError, UnavailableError } from '../../src/lib/errors.ts';
import {
  freePort,
  type RunningServer,
  startNats,
  startRedis,
  temporaryDataDir,
} from '../../src/servers/index.ts';
import { parseConfig } from '../../src/workers/config.ts';
import { startWorker } from '../../src/workers/process/worker.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 300_000 });

let dir: string;
let nats: RunningServer;
let redis: RunningServer;
let redisUrl: string;
const file = (name: string): string => join(dir, name);

beforeAll(async () => {
  dir = await temporaryDataDir('converge-tls');
  await makeCertificates();
  const env = { ...process.env, CONVERGE_REDIS_URL: undefined, CONVERGE_NATS_URL: undefined };
  const tls = `tls { cert_file: ${JSON.stringify(file('server.pem'))}, key_file: ${JSON.stringify(file('server.key'))} }`;
  nats = await startNats({ dataDir: join(dir, 'nats'), env, config: tls });
  const port = await freePort();
  const files = ['--tls-cert-file', file('server.pem'), '--tls-key-file', file('server.key')];
  const extraArgs = [
    '--tls-port',
    `${port}`,
    ...files,
    '--tls-ca-cert-file',
    file('ca.pem'),
    '--tls-auth-clients',
    'no',
  ];
  redis = await startRedis({ dataDir: join(dir, 'redis'), env, extraArgs });
  redisUrl = `rediss://127.0.0.1:${port}`;
});
afterAll(async () => {
  await Promise.all([nats?.stop(), redis?.stop()]);
  await rm(dir, { recursive: true, force: true });
});

async function openssl(...args: string[]): Promise<void> {
  await promisify(execFile)('openssl', args, { cwd: dir });
}

async function makeCertificates(): Promise<void> {
  await writeFile(file('san.ext'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const days = ['-days', '1'];
  const key = ['-newkey', 'rsa:2048', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...key,
    ...days,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=test authority',
  );
  await openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost');
  const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'san.ext'];
  await openssl('x509', '-req', '-in', 'server.csr', ...by, ...days, '-out', 'server.pem');
}

it('a worker and an agent work over TLS', async () => {
  const config = parseConfig({
    natsUrl: nats.url,
    redisUrl,
    natsCa: file('ca.pem'),
    redisCa: file('ca.pem'),
    shards: 1,
    httpPort: -1,
    logMaxBytes: 64 * 1024 * 1024,
    eventsMaxBytes: 64 * 1024 * 1024,
  });
  const worker = await startWorker(config, { logger: pino({ level: 'silent' }) });
  await until('it to be ready', () => worker.shards.length === 1 && worker.notReady().length === 0);
  const ann = await connect({ agent: 'ann', url: nats.url, credentials: { ca: file('ca.pem') } });
  expect(await ann.decide('press', { type: 'CreatePool' })).toMatchObject({ status: 'accepted' });
  expect(await ann.query('pool', { pool: 'press' })).toMatchObject({ owner: 'ann' });
  await ann.close();
  await worker.stop();
});

it('a server whose certificate nobody vouches for is not spoken to', async () => {
  await expect(connect({ agent: 'ann', url: nats.url })).rejects.toThrow(UnavailableError);
  const config = parseConfig({ natsUrl: nats.url, natsCa: file('ca.pem'), redisUrl, httpPort: -1 });
  await expect(startWorker(config, { logger: pino({ level: 'silent' }) })).rejects.toThrow(UnavailableError);
});

it('files that are missing are named', async () => {
  const credentials = { ca: file('none.pem') };
  await expect(connect({ agent: 'ann', url: nats.url, credentials })).rejects.toThrow(CredentialsError);
  await expect(connect({ agent: 'ann', url: nats.url, credentials })).rejects.toThrow('none.pem');
});
