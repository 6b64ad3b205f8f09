/** Which log it is must not depend on what a server does with the times of its streams. */
import { expect, it } from 'vitest';
import { eventsIdentityOf } from '../../src/bus/layout.ts';
import { ensureStreams, findLayout } from '../../src/bus/streams.ts';
import { type Subjects, subjects } from '../../src/protocol/subjects.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem();
const LIMITS = {
  logMaxBytes: 8 * 1024 * 1024,
  eventsMaxBytes: 8 * 1024 * 1024,
  eventsMaxAgeMs: 60_000,
  deadLettersMaxCount: 10,
  deadLettersMaxAgeMs: 60_000,
  dedupeWindowMs: 1_000,
  snapshotsMaxBytes: 8 * 1024 * 1024,
  replicas: 1,
};

async function restart(): Promise<void> {
  await system.servers.nats.kill('SIGKILL');
  await system.servers.nats.restart();
  await until('the server to answer', () =>
    system.jsm.getAccountInfo().then(
      () => true,
      () => false,
    ),
  );
}

async function eventsIdentity({ streams }: Subjects): Promise<string> {
  return eventsIdentityOf(await system.jsm.streams.info(streams.events));
}

// nats-server 2.9.10 writes down with the update that the stream was created when the server started.
it('a log and its events stay the same when its server restarts, its limits change, and the server restarts again', async () => {
  const names = subjects('same');
  const {
    logs: [logIdentity],
  } = await ensureStreams(system.jsm, names, 2, LIMITS);
  const events = await eventsIdentity(names);
  await restart();
  const { logMaxBytes, eventsMaxBytes } = LIMITS;
  const more = { ...LIMITS, logMaxBytes: 2 * logMaxBytes, eventsMaxBytes: 2 * eventsMaxBytes };
  await ensureStreams(system.jsm, names, 2, more);
  await restart();
  expect(await findLayout(system.jsm, names)).toMatchObject({ logs: [logIdentity], shards: 2 });
  expect(await eventsIdentity(names)).toBe(events);
});

it('a log that its marks know as made is not made again; without anything that knows it, another one is', async () => {
  const names = subjects('trimmed');
  const {
    logs: [logIdentity],
  } = await ensureStreams(system.jsm, names, 2, LIMITS);
  await system.jsm.streams.delete(names.streams.decisions);
  const events = await eventsIdentity(names);
  await system.jsm.streams.delete(names.streams.events);
  expect((await ensureStreams(system.jsm, names, 2, LIMITS)).logs[0]).toBe(logIdentity);
  expect(await findLayout(system.jsm, names)).toBeUndefined();
  expect(await eventsIdentity(names)).not.toBe(events);
  await system.jsm.streams.delete(names.streams.marks);
  const known = async () => logIdentity;
  expect((await ensureStreams(system.jsm, names, 2, LIMITS, known)).logs[0]).toBe(logIdentity);
  expect(await findLayout(system.jsm, names)).toBeUndefined();
  const again = await ensureStreams(system.jsm, names, 2, LIMITS);
  expect(again.logs[0]).not.toBe(logIdentity);
  expect(await findLayout(system.jsm, names)).toEqual(again);
});

it('a log that was made before logs had names is known by the time of its creation, and keeps that name', async () => {
  const names = subjects('old');
  const { created } = await system.jsm.streams.add({
    name: names.streams.decisions,
    description: 'converge layout 2, 2 shards',
    subjects: ['old.decisions.0.>', 'old.decisions.1.>'],
  });
  expect(await findLayout(system.jsm, names)).toMatchObject({ logs: [created] });
  await ensureStreams(system.jsm, names, 2, LIMITS);
  await restart();
  expect(await findLayout(system.jsm, names)).toMatchObject({ logs: [created] });
});
