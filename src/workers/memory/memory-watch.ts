/**
 * Looks twice a second at what the shards of this worker take together. When that nears what its heap can hold, the
 * largest get a Pressure in their logs: from there on they reject decisions that add to them, in every replay alike.
 */

import { randomUUID } from 'node:crypto';
import { getHeapStatistics } from 'node:v8';
import type { Logger } from 'pino';
import type { StreamPublisher } from '../../bus/stream-publisher.ts';
import { messageOf } from '../../lib/errors.ts';
import { Periodic } from '../../lib/periodic.ts';
import { least } from '../../protocol/lists.ts';
import { SHARD_POOL, SWEEPER } from '../../protocol/names.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { WorkerMetrics } from '../health/metrics.ts';
import { type HeapState, type PressureWord, pressureWords, type ShardHolding } from './pressure.ts';

export interface MemoryWatchOptions {
  readonly streams: StreamPublisher;
  readonly subjects: Subjects;
  /** The shards that this worker holds, as far as they are loaded. */
  readonly shards: () => readonly ShardHolding[];
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
}

const LOOK_MS = 500;
/** Garbage is collected within some seconds: what was there at every look of so many is held. */
const LOOKS_OF_HEAP = 20;
/** A word that has not been applied by then is said again. */
const SAY_AGAIN_LOOKS = 10;

export function heapLimitBytes(): number {
  return getHeapStatistics().heap_size_limit;
}

export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  readonly #used: number[] = [];
  /** Said and perhaps not applied yet: shard → the word, and at which look. */
  readonly #said = new Map<number, { readonly on: boolean; readonly look: number }>();
  #looks = 0;
  readonly #checks: Periodic;
  #shown = new Set<number>();

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.#checks = new Periodic({
      everyMs: LOOK_MS,
      run: () => this.#look(),
      onError: (error) => options.logger.warn({ reason: messageOf(error) }, 'could not check the memory'),
    });
  }

  start(): void {
    this.#checks.start();
  }

  close(): void {
    void this.#checks.stop();
  }

  #look(): void {
    this.#looks++;
    const shards = this.#options.shards();
    this.#show(shards);
    for (const word of pressureWords(shards, this.#heap())) this.#say(word);
  }

  #heap(): HeapState {
    const { used_heap_size, heap_size_limit } = getHeapStatistics();
    this.#used.push(used_heap_size);
    if (this.#used.length > LOOKS_OF_HEAP) this.#used.shift();
    const isKnown = this.#used.length === LOOKS_OF_HEAP;
    return { limitBytes: heap_size_limit, heldBytes: isKnown ? (least(this.#used) ?? 0) : 0 };
  }

  #say({ shard, on }: PressureWord): void {
    const { streams, subjects, logger } = this.#options;
    const said = this.#said.get(shard);
    if (said?.on === on && this.#looks - said.look < SAY_AGAIN_LOOKS) return;
    this.#said.set(shard, { on, look: this.#looks });
    logger.warn(
      { shard, on },
      on
        ? 'memory is short: the shard rejects decisions that add to it'
        : 'memory is free again: the shard accepts all decisions',
    );
    const payload = JSON.stringify({ id: `pressure-${randomUUID()}`, type: 'Pressure', on });
    const subject = subjects.shardDecision(shard, SWEEPER, SHARD_POOL);
    void streams
      .publish([{ subject, payload, id: `${SWEEPER}.${randomUUID()}` }])
      .catch((error) => logger.warn({ shard, reason: messageOf(error) }, 'could not append a Pressure'));
  }

  #show(shards: readonly ShardHolding[]): void {
    const { shardBytes, shardPressure, endedBytes } = this.#options.metrics;
    const shown = new Set(shards.map(({ shard }) => shard));
    for (const shard of this.#shown) {
      if (shown.has(shard)) continue;
      shardBytes.remove({ shard });
      shardPressure.remove({ shard });
      endedBytes.remove({ shard });
      this.#said.delete(shard);
    }
    for (const { shard, bytes, isPressed, endedBytes: ended } of shards) {
      shardBytes.set({ shard }, bytes);
      shardPressure.set({ shard }, isPressed ? 1 : 0);
      endedBytes.set({ shard }, ended);
    }
    this.#shown = shown;
  }
}
