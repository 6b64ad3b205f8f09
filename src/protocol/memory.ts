/**
 * The bounds of memory. They are settings, and travel in the log; those that nobody has set follow from the heap of the
 * worker that a shard heard of first, so that workers with other heaps do not change what the log means.
 */
import type { Settings } from './settings.ts';

const MEBIBYTE = 1024 * 1024;

/** Until a shard has heard of a heap it goes by a small one. */
export const ASSUMED_HEAP_BYTES = 512 * MEBIBYTE;

export interface MemoryBounds {
  /** Of all that is live in one shard. */
  readonly shardBytes: number;
  /** Of one pool, and of one agent over all pools of a shard. */
  readonly poolBytes: number;
  readonly agentShardBytes: number;
  /** Of one agent in one pool. */
  readonly agentBytes: number;
  /** Of all that has ended in one shard and is only kept to be read: in Redis, not on the heap. */
  readonly endedBytes: number;
}

/**
 * Three shards of sixteen may be full before a worker that has all of them is nearly so; long before, it says Pressure.
 * What is counted is about what the heap holds (`handlers/quotas/weights.ts`).
 */
const OF_HEAP = 0.3;
/** What is live can end and be kept so many times over. */
const ENDED_OF_LIVE = 4;

export function memoryBounds(settings: Settings): MemoryBounds {
  const heapBytes = settings.heapBytes ?? ASSUMED_HEAP_BYTES;
  const shardBytes = settings.shardBytes ?? Math.floor(heapBytes * OF_HEAP);
  return {
    shardBytes,
    poolBytes: settings.poolBytes ?? Math.floor((shardBytes * 3) / 4),
    agentShardBytes: settings.agentShardBytes ?? Math.floor(shardBytes / 2),
    agentBytes: settings.agentBytes ?? Math.floor(shardBytes / 2),
    endedBytes: settings.endedBytes ?? ENDED_OF_LIVE * shardBytes,
  };
}
