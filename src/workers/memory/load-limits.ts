/** Limits of loading: a shard that does not fit into the heap is given back, with an alarm, instead of crashing the process. */
import { getHeapStatistics } from 'node:v8';
import { ConvergeError } from '../../lib/errors.ts';
import type { LoadGuard } from '../../state/shard-store.ts';

/** Thrown while a shard is loaded; its owner gives it back. */
export class ShardTooLargeError extends ConvergeError {
  readonly kind = 'failure';
}

/** Shares of the heap: for all shards together, as they are counted; and for whatever is on the heap while one is loaded. */
const FITS = 0.6;
const FULL = 0.85;

export interface LoadLimitsOptions {
  readonly shard: number;
  /** Size of the other shards of this worker, including those that are being loaded. */
  readonly othersBytes: () => number;
  readonly expected: (bytes: number) => void;
  readonly heapBytes: number;
  readonly heapUsedBytes?: () => number;
}

export function loadGuard(options: LoadLimitsOptions): LoadGuard {
  const { shard, othersBytes, expected, heapBytes } = options;
  const heapUsedBytes = options.heapUsedBytes ?? (() => getHeapStatistics().used_heap_size);
  return {
    expect(bytes) {
      const others = othersBytes();
      if (others + bytes > FITS * heapBytes) {
        throw new ShardTooLargeError(
          `shard ${shard} needs ${mib(bytes)} and the others of this worker ${mib(others)}: more than a heap of ${mib(heapBytes)} can hold`,
        );
      }
      expected(bytes);
    },
    page() {
      const used = heapUsedBytes();
      if (used <= FULL * heapBytes) return;
      throw new ShardTooLargeError(
        `the heap holds ${mib(used)} of ${mib(heapBytes)} while shard ${shard} is loaded`,
      );
    },
  };
}

function mib(bytes: number): string {
  return `${Math.ceil(bytes / (1024 * 1024))} MiB`;
}
