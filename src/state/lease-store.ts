/**
 * Leases and the heartbeats of live workers. A lease only decides who tries: what a worker may write is decided by the
 * position check of the commit. Keys lapse by Redis' own clock, which is the fast way to a free lease and nothing more:
 * one that lapses early is written again by its holder, and one that does not lapse is taken by who sees it stand still.
 */
import type { ShardKeys, SystemKeys } from './keys.ts';
import { type Heartbeat, leaseText } from './lease.ts';
import type { Redis } from './redis.ts';

/** Ours, or nobody's: written again, counted up. Returns whether it is ours now. */
const RENEW = `
local held = redis.call('GET', KEYS[1])
local counter = 0
if held then
  local holder, count = string.match(held, '^(.*) (%d+) %d+$')
  if (holder or held) ~= ARGV[1] then return 0 end
  counter = (tonumber(count or 0) + 1) % 1000000000000
end
redis.call('SET', KEYS[1], string.format('%s %.0f %s', ARGV[1], counter, ARGV[2]), 'PX', ARGV[2])
return 1`;
/** Takes the place of exactly the lease that was seen to stand still. */
const TAKE = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`;
const RELEASE = `local held = redis.call('GET', KEYS[1])
if held and (string.match(held, '^(.*) %d+ %d+$') or held) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;
const BURY = `if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then return redis.call('HDEL', KEYS[1], ARGV[1]) end return 0`;

export interface LeaseStore {
  /** The leases of some shards as they stand: text that is different after each renewal. Without those that nobody has. */
  look(shards: readonly number[]): Promise<ReadonlyMap<number, string>>;
  /** Takes the lease of a shard if nobody has it, or if it is still the one that was `seen`. */
  acquire(shard: number, seen?: string): Promise<boolean>;
  /** Keeps leases, and writes those again that have lapsed and that nobody took; answers which are this worker's. */
  renew(shards: readonly number[]): Promise<ReadonlySet<number>>;
  release(shard: number): Promise<void>;
  /** Writes this worker's heartbeat; returns the newest heartbeat of every worker (by holder), dead ones included. */
  heartbeat(): Promise<ReadonlyMap<string, string>>;
  /** Removes a heartbeat that is still the one that was seen. */
  bury(holder: string, seen: string): Promise<void>;
  goodbye(): Promise<void>;
}

export interface LeaseOptions {
  readonly redis: Redis;
  readonly shardKeys: (shard: number) => ShardKeys;
  readonly systemKeys: SystemKeys;
  /** As {@link leaseHolderOf} makes it. */
  readonly holder: string;
  readonly leaseMs: number;
  /** The content of this worker's heartbeats: its clock, its machine. */
  readonly about: () => Omit<Heartbeat, 'counter' | 'leaseMs'>;
}

export function redisLeaseStore(options: LeaseOptions): LeaseStore {
  const { redis, shardKeys, systemKeys, holder, leaseMs, about } = options;
  let beats = 0;
  return {
    async look(shards) {
      const held = await Promise.all(shards.map((shard) => redis.get(shardKeys(shard).lease)));
      return new Map(
        shards.flatMap((shard, i) => {
          const text = held[i];
          return text == null ? [] : [[shard, text] as const];
        }),
      );
    },
    async acquire(shard, seen) {
      const { lease } = shardKeys(shard);
      const text = leaseText({ holder, counter: 0, leaseMs });
      if (seen === undefined) return (await redis.set(lease, text, 'PX', leaseMs, 'NX')) === 'OK';
      return (await redis.eval(TAKE, 1, lease, seen, text, leaseMs)) === 1;
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
      const beat: Heartbeat = { counter: beats++, leaseMs, ...about() };
      const [, all] = await Promise.all([
        redis.hset(systemKeys.heartbeats, holder, JSON.stringify(beat)),
        redis.hgetall(systemKeys.heartbeats),
      ]);
      return new Map(Object.entries(all));
    },
    async bury(other, seen) {
      await redis.eval(BURY, 1, systemKeys.heartbeats, other, seen);
    },
    async goodbye() {
      await redis.hdel(systemKeys.heartbeats, holder);
    },
  };
}
