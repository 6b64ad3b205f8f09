/**
 * A digest of all that a shard keeps as a function of its log. Two stores that applied the same log have the same
 * digest, key for key; leases, outbox and commit ids do not count.
 */
import { createHash, type Hash } from 'node:crypto';
import { shardKeys } from './keys.ts';
import type { Redis } from './redis.ts';

const SCAN_COUNT = 1_000;
/** The newest Clock that was known at the position: when a worker came to know it is no matter of the log. */
const NOT_OF_THE_STATE = 'clock';

export async function stateDigest(redis: Redis, namespace: string, shards: number): Promise<string> {
  const hash = createHash('sha256');
  for (let shard = 0; shard < shards; shard++) {
    const { statePattern, meta } = shardKeys(namespace, shard);
    const keys = await keysLike(redis, statePattern);
    for (const key of keys.sort()) await addKey(redis, key, meta, hash);
  }
  return hash.digest('hex');
}

/** Whether anything of a system is in the store. */
export async function holdsState(redis: Redis, namespace: string, shards: number): Promise<boolean> {
  const counts = await Promise.all(
    Array.from({ length: shards }, (_, shard) => redis.exists(shardKeys(namespace, shard).meta)),
  );
  return counts.some((count) => count > 0);
}

/** Removes everything of a system's shards, state and runtime. */
export async function clearState(redis: Redis, namespace: string, shards: number): Promise<void> {
  for (let shard = 0; shard < shards; shard++) {
    const { statePattern, outbox, commit, halted } = shardKeys(namespace, shard);
    for (const key of await keysLike(redis, statePattern)) await redis.unlink(key);
    await redis.unlink(outbox, commit, halted);
  }
}

export async function keysLike(redis: Redis, pattern: string): Promise<string[]> {
  const found = new Set<string>();
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
    for (const key of keys) found.add(key);
    cursor = next;
  } while (cursor !== '0');
  return [...found];
}

async function addKey(redis: Redis, key: string, meta: string, hash: Hash): Promise<void> {
  const type = await redis.type(key);
  hash.update(`${type} ${key}\n`);
  switch (type) {
    case 'hash': {
      const all = Object.entries(await redis.hgetall(key));
      const fields = key === meta ? all.filter(([field]) => field !== NOT_OF_THE_STATE) : all;
      for (const [field, value] of fields.sort(([a], [b]) => (a < b ? -1 : 1)))
        hash.update(`${field}\0${value}\n`);
      return;
    }
    case 'zset':
      for (const part of await redis.zrange(key, 0, '-1', 'WITHSCORES')) hash.update(`${part}\n`);
      return;
    case 'list':
      for (const part of await redis.lrange(key, 0, -1)) hash.update(`${part}\n`);
      return;
    default:
      throw new Error(`${key} is a ${type}, which no part of the state is`);
  }
}
