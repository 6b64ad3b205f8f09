import { Redis } from 'ioredis';
import { messageOf, UnavailableError } from '../errors.ts';

export type { Redis };

/** A connection that owes an answer for so long is dead, though nobody closed it: a network that is gone says nothing. */
const ANSWER_WITHIN_MS = 5_000;

/**
 * A connection for commits. A script whose answer is lost must not be sent again behind our back: this connection
 * fails at once instead, and the writer finds out from the commit id whether it was applied.
 */
export function connectForCommits(url: string, answerWithinMs = ANSWER_WITHIN_MS): Redis {
  return quiet(
    new Redis(url, {
      protocol: 2,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      lazyConnect: true,
      connectTimeout: 5_000,
      socketTimeout: answerWithinMs,
      retryStrategy: () => 200,
      reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
    }),
  );
}

/** A connection for reads: they can be repeated, so a short outage is bridged. */
export function connectForReads(url: string, answerWithinMs = ANSWER_WITHIN_MS): Redis {
  return quiet(
    new Redis(url, {
      protocol: 2,
      maxRetriesPerRequest: 2,
      connectTimeout: 5_000,
      socketTimeout: answerWithinMs,
      lazyConnect: true,
      retryStrategy: () => 200,
    }),
  );
}

/** A connection as BullMQ wants it: commands wait for as long as it takes. */
export function connectForBullMq(url: string): Redis {
  return quiet(
    new Redis(url, {
      protocol: 2,
      maxRetriesPerRequest: null,
      connectTimeout: 5_000,
      lazyConnect: true,
      retryStrategy: () => 200,
    }),
  );
}

/** ioredis reports every failed attempt as an 'error' event, and one that nobody listens to ends the process. */
function quiet(redis: Redis): Redis {
  redis.on('error', () => undefined);
  return redis;
}

export async function openRedis(redis: Redis): Promise<Redis> {
  if (redis.status !== 'wait') return redis;
  try {
    await redis.connect();
    return redis;
  } catch (error) {
    redis.disconnect();
    throw new UnavailableError(`Redis does not answer: ${messageOf(error)}`, { cause: error });
  }
}
