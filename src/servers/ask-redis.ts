import type { ConnectionOptions } from 'node:tls';
import { Redis } from 'ioredis';
import type { ServerAnswer } from './server-answer.ts';

const askTimeoutMs = 2_000;

/** Asks a Redis or Valkey once what it is; rejects with the reason if it does not answer. */
export async function askRedis(url: string, tls?: ConnectionOptions): Promise<ServerAnswer> {
  const redis = new Redis(url, {
    ...(tls === undefined ? {} : { tls }),
    lazyConnect: true,
    protocol: 2,
    disableClientInfo: true,
    // INFO is answered while data is being loaded; waiting until that is over is for the caller to decide.
    enableReadyCheck: false,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: askTimeoutMs,
    commandTimeout: askTimeoutMs,
  });
  // connect() rejects with "Connection is closed."; why it was closed is only in the event.
  let cause: Error | undefined;
  redis.on('error', (error: Error) => {
    cause = error;
  });
  try {
    await redis.connect();
    return parseRedisInfo(await redis.info());
  } catch (error) {
    throw cause ?? error;
  } finally {
    // Disconnecting what is closed already would leave a timer behind that keeps the process running for two seconds.
    if (redis.status !== 'end') redis.disconnect();
  }
}

export function parseRedisInfo(text: string): ServerAnswer {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) values.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const redisVersion = values.get('redis_version');
  const identity = values.get('run_id');
  if (redisVersion === undefined || identity === undefined)
    throw new Error('INFO without version and run_id');
  // Valkey reports the Redis version it is compatible with and, separately, its own.
  const valkeyVersion = values.get('valkey_version');
  return {
    product: valkeyVersion === undefined ? 'redis-server' : 'valkey-server',
    version: valkeyVersion ?? redisVersion,
    identity,
    processId: Number(values.get('process_id')),
    ready: values.get('loading') !== '1',
  };
}
