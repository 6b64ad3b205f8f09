/** Fences, and the index of their keys by which those of one pool are found among all of the shard. */
import type { ShardKeys } from './keys.ts';
import type { Operations } from './operations.ts';

/** `json` is undefined where there are none any more. */
export function writeFences(
  keys: ShardKeys,
  key: string,
  json: string | undefined,
  writes: Operations,
): void {
  if (json === undefined) {
    writes.add('HDEL', keys.fences, key);
    writes.add('ZREM', keys.fenceKeys, key);
    return;
  }
  writes.addPair('HSET', keys.fences, key, json);
  writes.addPair('ZADD', keys.fenceKeys, '0', key);
}
