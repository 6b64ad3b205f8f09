/** What becomes of those who are connected when their credentials are revoked, or replaced. */
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { acceptedOrThrow, ConvergeClient, NotAuthorizedError } from '../../src/index.ts';
import { seedFileText } from '../../src/protocol/seed-file.ts';
import { startWorker } from '../../src/workers/process/worker.ts';
import { until } from '../support/until.ts';
import { useGuardedSystem } from './guarded.ts';

vi.setConfig({ testTimeout: 300_000 });

const guarded = useGuardedSystem();

/** A further identity in the register, its seed in a file, which the server knows. */
async function admitted(role: 'agent' | 'worker', name: string): Promise<string> {
  const { access, servers } = guarded.system;
  const file = join(access.folder.path, `${name}.nk`);
  await access.folder.add({ role, name }, { file });
  await servers.nats.reload();
  return file;
}

function agentWith(name: string, nkey: string): Promise<ConvergeClient> {
  return until(`${name} to be known`, async () => {
    const client = await ConvergeClient.connect({
      agent: name,
      url: guarded.system.servers.nats.url,
      credentials: { nkey },
    });
    guarded.onEndOfTest(() => client.close());
    return client;
  });
}

it('an agent is told that it is not let in any more, by its feeds and by its decisions', async () => {
  const tom = await agentWith('tom', await admitted('agent', 'tom'));
  const feed = tom.events({ pool: 'commons' });
  await feed.opened;
  const ended = (async () => {
    for await (const _event of feed);
  })().catch((error: unknown) => error);
  await guarded.system.access.revoke('tom');
  expect(await ended).toBeInstanceOf(NotAuthorizedError);
  await expect(tom.decide('commons', { type: 'Heartbeat' })).rejects.toThrow('were they revoked?');
});

it('an agent whose file has its new key goes on when the old one is revoked', async () => {
  const { access, servers } = guarded.system;
  const file = await admitted('agent', 'una');
  const una = await agentWith('una', file);
  const old = (await access.folder.read()).identities.find(({ name }) => name === 'una')?.keys[0];
  const { role, name, seed } = await access.folder.add(
    { role: 'agent', name: 'una' },
    { isFurtherKey: true },
  );
  await servers.nats.reload();
  await writeFile(`${file}.new`, seedFileText({ role, name }, seed));
  await copyFile(`${file}.new`, file);
  await access.folder.revoke('una', old);
  await servers.nats.reload();
  // The server ends connections with the old key as it reloads; una comes back with the new one.
  await until(
    'una to have come back',
    async () => (await una.decide('commons', { type: 'Heartbeat' })).status === 'accepted',
  );
  acceptedOrThrow(await una.decide('commons', { type: 'Heartbeat' }));
});

it('a worker ends, and its shards are another one’s', async () => {
  const { access, config } = guarded.system;
  const otto = await guarded.system.client('otto');
  const ownersOf = async (): Promise<Set<string | undefined>> =>
    new Set((await otto.query('stats', {})).shards.map(({ owner }) => owner));
  const natsNkey = await admitted('worker', 'walter');
  const walter = await until('it to be let in', () =>
    startWorker({ ...config, natsNkey, workerId: 'walter' }, { logger: pino({ level: 'silent' }) }),
  );
  guarded.onEndOfTest(() => walter.stop());
  await until('it to have a share', async () => (await ownersOf()).has('walter'));
  await access.revoke('walter');
  expect(await walter.ended).toBeInstanceOf(NotAuthorizedError);
  await until('the shards to be another one’s', async () => {
    const owners = await ownersOf();
    return !owners.has('walter') && !owners.has(undefined);
  });
  const ann = await guarded.system.client('ann');
  acceptedOrThrow(await ann.decide('commons', { type: 'Heartbeat' }));
});
