/** Everything that Redis holds of a namespace, as plain data with one order: two states are equal when their dumps are. */
import type { Redis } from 'ioredis';

export type Dump = Readonly<Record<string, unknown>>;

/** All that is a function of the log (`:s:`), byte for byte. */
export function dumpState(redis: Redis, ns: string): Promise<Dump> {
  return dumpKeys(redis, `${ns}:{*}:s:*`);
}

export async function dumpKeys(redis: Redis, pattern: string): Promise<Dump> {
  const keys = await keysOf(redis, pattern);
  const values = await Promise.all(keys.map((key) => contentOf(redis, key)));
  return Object.fromEntries(keys.map((key, i) => [key, values[i]]));
}

export async function keysOf(redis: Redis, pattern: string): Promise<string[]> {
  const keys = new Set<string>();
  let cursor = '0';
  do {
    const [next, page] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1_000);
    for (const key of page) keys.add(key);
    cursor = next;
  } while (cursor !== '0');
  return [...keys].sort();
}

async function contentOf(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return await redis.get(key);
    case 'hash':
      return sorted(await redis.hgetall(key));
    case 'list':
      return await redis.lrange(key, 0, -1);
    case 'zset':
      return await redis.zrange(key, 0, '-1', 'WITHSCORES');
    case 'none':
      return undefined;
    default:
      throw new Error(`${key} is a ${type}: nothing of ours is`);
  }
}

function sorted(hash: Readonly<Record<string, string>>): Dump {
  return Object.fromEntries(Object.entries(hash).sort(([a], [b]) => (a < b ? -1 : 1)));
}
