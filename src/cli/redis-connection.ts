/** A connection to Redis for the time of one call. */

import { connectForReads, openRedis, type Redis } from '../state/redis.ts';
import { type Config, redisTls } from '../workers/config.ts';

export async function withRedis<T>(config: Config, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = await openRedis(connectForReads(config.redisUrl, { tls: redisTls(config) }));
  try {
    return await use(redis);
  } finally {
    // Disconnecting what has ended already would leave a timer of ioredis behind.
    if (redis.status !== 'end') redis.disconnect();
  }
}
