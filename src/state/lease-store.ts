/**
 * Leases and the list of live workers. A lease only decides who tries: what a worker may write is decided by the
 * position check of the commit. Time is Redis' own, so that the clocks of the workers do not matter.
 */

import type { ShardKeys, SystemKeys } from './keys.ts';
import type { Redis } from './redis.ts';

const RENEW = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`;
const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;
const HEARTBEAT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZRANGE', KEYS[1], 0, -1)`;

/**
 * What stands in a lease: the worker's name, and which process of that name it is. Two that were given the same name by
 * mistake must not take each other's leases and commits for their own.
 */
export function leaseHolderOf(workerId: string, process: string): string {
  return `${workerId}${SEPARATOR}${process}`;
}

/** The name of the worker that holds a lease, or whose heartbeat this is. */
export function workerNameOf(holder: string): string {
  return holder.split(SEPARATOR, 1)[0] ?? holder;
}

/** Names have none. */
const SEPARATOR = '#';

export interface LeaseStore {
  /** Takes the lease of a shard if nobody has it. */
  acquire(shard: number): Promise<boolean>;
  /** Keeps leases; answers which of them are still this worker's. */
  renew(shards: readonly number[]): Promise<ReadonlySet<number>>;
  release(shard: number): Promise<void>;
  /** Says that this worker lives; answers all that do. */
  heartbeat(): Promise<readonly string[]>;
  goodbye(): Promise<void>;
}

export interface LeaseOptions {
  readonly redis: Redis;
  readonly shardKeys: (shard: number) => ShardKeys;
  readonly systemKeys: SystemKeys;
  /** As {@link leaseHolderOf} makes it. */
  readonly holder: string;
  readonly leaseMs: number;
}

export function redisLeaseStore({ redis, shardKeys, systemKeys, holder, leaseMs }: LeaseOptions): LeaseStore {
  return {
    async acquire(shard) {
      return (await redis.set(shardKeys(shard).lease, holder, 'PX', leaseMs, 'NX')) === 'OK';
    },
    async renew(shards) {
      const kept = await Promise.all(
        shards.map((shard) => redis.eval(RENEW, 1, shardKeys(shard).lease, holder, leaseMs)),
      );
      return new Set(shards.filter((_, i) => kept[i] === 1));
    },
    async release(shard) {
      await redis.eval(RELEASE, 1, shardKeys(shard).lease, holder);
    },
    async heartbeat() {
      const workers = await redis.eval(HEARTBEAT, 1, systemKeys.workers, holder, leaseMs);
      return Array.isArray(workers) ? workers.map(String) : [];
    },
    async goodbye() {
      await redis.zrem(systemKeys.workers, holder);
    },
  };
}
