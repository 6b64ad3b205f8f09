const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * FNV-1a, 32 bit, over the UTF-8 bytes of a text: the function behind the NATS server's own `partition()`
 * subject mapping, so that the server can compute the shard for clients that cannot.
 */
export function fnv1a32(text: string): number {
  let hash = FNV_OFFSET;
  for (const byte of Buffer.from(text, 'utf8')) {
    hash = Math.imul(hash ^ byte, FNV_PRIME);
  }
  return hash >>> 0;
}

const remembered = new Map<string, number>();
const REMEMBERED_AT_MOST = 10_000;

/** The shard (0 … shards − 1) whose log holds the decisions of a pool. */
export function shardOf(pool: string, shards: number): number {
  let hash = remembered.get(pool);
  if (hash === undefined) {
    if (remembered.size >= REMEMBERED_AT_MOST) remembered.clear();
    hash = fnv1a32(pool);
    remembered.set(pool, hash);
  }
  return hash % shards;
}
