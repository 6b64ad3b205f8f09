import type { Redis } from 'ioredis';
import { shardKeys } from '../../src/state/keys.ts';
import { workerNameOf } from '../../src/state/lease.ts';

/** The names of the workers that hold the leases of shards 0 to `shards` - 1; `null` where nobody does. */
export async function ownersOf(redis: Redis, namespace: string, shards: number): Promise<(string | null)[]> {
  const leases = Array.from({ length: shards }, (_, shard) => shardKeys(namespace, shard).lease);
  const holders = await Promise.all(leases.map((lease) => redis.get(lease)));
  return holders.map((holder) => (holder === null ? null : workerNameOf(holder)));
}
