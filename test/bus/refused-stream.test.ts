/** Streams that a server does not take are refused by the names of the settings that ask for them. */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from 'nats';
import { expect, it, onTestFinished } from 'vitest';
import { ensureStreams } from '../../src/bus/streams.ts';
import { ConfigurationError } from '../../src/lib/errors.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { startNats, temporaryDataDir } from '../../src/servers/index.ts';
import { parseConfig } from '../../src/workers/config.ts';
import { useSystem } from '../support/system.ts';

const system = useSystem();
const MEBIBYTE = 1024 * 1024;

it('no room for what is to be reserved: the settings, and what else would help', async () => {
  const dataDir = await temporaryDataDir('converge-small-disk');
  const nats = await startNats({ dataDir, maxStoreBytes: 64 * MEBIBYTE });
  onTestFinished(() => nats.stop());
  const connection = await connect({ servers: nats.url });
  onTestFinished(() => connection.close());
  const jsm = await jetstreamManager(connection);
  const room = { logMaxBytes: 48 * MEBIBYTE, eventsMaxBytes: 48 * MEBIBYTE, snapshotsMaxBytes: MEBIBYTE };
  const refused = ensureStreams(jsm, subjects('small'), 1, parseConfig(room));
  await expect(refused).rejects.toThrow(ConfigurationError);
  await expect(refused).rejects.toThrow(
    /no room for stream SMALL_EVENTS2 with 50331648 bytes.*CONVERGE_LOG_MAX_BYTES, CONVERGE_EVENTS_MAX_BYTES and CONVERGE_SNAPSHOTS_MAX_BYTES/,
  );
  const less = parseConfig({ ...room, eventsMaxBytes: 8 * MEBIBYTE });
  await expect(ensureStreams(jsm, subjects('small'), 1, less)).resolves.toMatchObject({ shards: 1 });
});

it('more replicas than the server can have: when it is made, and when it is there', async () => {
  const limits = parseConfig({
    logMaxBytes: MEBIBYTE,
    eventsMaxBytes: MEBIBYTE,
    snapshotsMaxBytes: MEBIBYTE,
  });
  const three = { ...limits, replicas: 3 };
  for (let times = 0; times < 2; times++) {
    const refused = ensureStreams(system.jsm, subjects('copies'), 1, three);
    await expect(refused).rejects.toThrow(ConfigurationError);
    await expect(refused).rejects.toThrow(/cannot have 3 replicas.*CONVERGE_REPLICAS/);
    if (times === 0) await ensureStreams(system.jsm, subjects('copies'), 1, limits);
  }
});
