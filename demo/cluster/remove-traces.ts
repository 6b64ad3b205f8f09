import { jetstreamManager } from '@nats-io/jetstream';
import { closeNats, connectNats } from '../../src/bus/connection.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { connectForReads, openRedis } from '../../src/state/redis.ts';

/** Servers that were there before the demo are left as they were: without its streams and its keys. */
export async function removeTraces(natsUrl: string, redisUrl: string, namespace: string): Promise<void> {
  await Promise.allSettled([removeStreams(natsUrl, namespace), removeKeys(redisUrl, namespace)]);
}

async function removeStreams(url: string, namespace: string): Promise<void> {
  const connection = await connectNats({ url, name: 'converge demo' });
  try {
    const jsm = await jetstreamManager(connection);
    const { decisions, events, deadLetters } = subjects(namespace).streams;
    await Promise.allSettled([decisions, events, deadLetters].map((stream) => jsm.streams.delete(stream)));
  } finally {
    await closeNats(connection);
  }
}

async function removeKeys(url: string, namespace: string): Promise<void> {
  const redis = await openRedis(connectForReads(url));
  try {
    // No name of a namespace has a character that a pattern would take for its own.
    for await (const keys of redis.scanStream({ match: `*${namespace}*`, count: 1_000 })) {
      if (Array.isArray(keys) && keys.length > 0) await redis.unlink(keys.map(String));
    }
  } finally {
    redis.disconnect();
  }
}
