/** S53: whoever finds a system of another protocol says so, in both directions, instead of hearing nothing. */
import { expect, it } from 'vitest';
import { connect, EventFeed } from '../../src/client/index.ts';
import { ConfigurationError } from '../../src/lib/errors.ts';
import { PROTOCOL } from '../../src/protocol/version.ts';
import { useBroker } from './system.ts';

const broker = useBroker();
const SENTENCE =
  /protocol \d+.*protocol 2 only: use the version that made it, or begin a new system in another namespace/;

/** Workers before there was a number, and of a later one. */
const OTHERS = [undefined, PROTOCOL + 1];

async function answer(query: string, ok: object): Promise<void> {
  const connection = await broker.connect();
  connection.subscribe(query, {
    callback: (_error, message) => void message.respond(JSON.stringify({ ok })),
  });
  await connection.flush();
}

it.each(OTHERS)('a client refuses workers of protocol %s', async (protocol) => {
  const { query, namespace } = await broker.streams();
  await answer(query('stats'), { protocol, shards: [{ shard: 0, outcomeRetentionMs: 1_000 }] });
  const url = broker.server.url;
  const client = await connect({ url, agent: 'ann', namespace, timeoutMs: 10_000 });
  await expect(client.decide('commons', { type: 'Heartbeat' })).rejects.toThrow(ConfigurationError);
  await expect(client.shards()).rejects.toThrow(SENTENCE);
  await client.close();
});

it.each(OTHERS)('a feed that a worker of protocol %s opens is refused', async (protocol) => {
  const subjects = await broker.streams();
  await answer(subjects.query('feed', 'ann'), { protocol, identity: 'x', first: 1, last: 0, after: 0 });
  const connection = await broker.connect();
  const feed = new EventFeed({ connection, subjects, asker: 'ann', pool: 'commons', timeoutMs: 10_000 });
  await expect(feed.opened).rejects.toThrow(SENTENCE);
  expect(feed.isClosed).toBe(true);
});
