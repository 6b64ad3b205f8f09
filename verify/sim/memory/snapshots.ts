/** Snapshots that are sealed: the newest few of each shard, each a copy of what the store held. */

import type { LogMessage } from '../../../src/bus/log-message.ts';
import { SNAPSHOTS_KEPT } from '../../../src/bus/snapshot-bucket.ts';
import type { KnownClock } from '../../../src/state/known-clock.ts';
import type { SealedSnapshot } from '../../../src/workers/snapshots/trim-ports.ts';
import type { ShardCopy } from './shard.ts';

export interface MemorySnapshot extends SealedSnapshot {
  /** The newest Clock that the state knew. */
  readonly clock: KnownClock | undefined;
  readonly copy: ShardCopy;
  /** The messages that made it: for the judge only. */
  readonly applied: readonly LogMessage[];
}

export class MemorySnapshots {
  #kept = new Map<number, readonly MemorySnapshot[]>();

  /** The furthest first. */
  list(shard: number): readonly MemorySnapshot[] {
    return this.#kept.get(shard) ?? [];
  }

  /** Where all places are taken, the one that reaches least far is missed least. */
  put(shard: number, snapshot: MemorySnapshot): void {
    const others = this.list(shard).slice(0, SNAPSHOTS_KEPT - 1);
    const all = [...others, snapshot].sort((a, b) => reachOf(b) - reachOf(a));
    this.#kept.set(shard, all);
  }

  lose(): void {
    this.#kept = new Map();
  }
}

function reachOf({ summary }: MemorySnapshot): number {
  return summary.position.seq;
}
