/** Cuts the messages into batches. The way in which the log is cut makes no difference to the result. */
import type { World } from '../../handlers/world/world.ts';
import { type DecodedMessage, decodeMessages, isSweep } from './decide-batch.ts';
import { patienceMs } from './patience.ts';
import type { Clock, ShardLogReader } from './ports.ts';

export interface BatchReaderOptions {
  readonly namespace: string;
  readonly shard: number;
  readonly shards: number;
  readonly clock: Clock;
  /** Maximum number of messages, and of their bytes, in one batch. */
  readonly maxBatch: number;
  readonly maxBatchBytes: number;
  readonly stopped: AbortSignal;
}

/** This is also how soon an idle shard notices that the store was emptied or went back. */
const IDLE_WAIT_MS = 1_000;

export class BatchReader {
  readonly #options: BatchReaderOptions;
  /** Messages that did not fit into the last batch: read, but not yet applied. */
  #held: DecodedMessage[] = [];
  /** Up to this message each is a batch of its own. */
  #aloneUntil = 0;

  constructor(options: BatchReaderOptions) {
    this.#options = options;
  }

  /** Messages that were read and wait for the next batch. */
  get held(): number {
    return this.#held.length;
  }

  /**
   * The next batch, bounded in messages and bytes. A Sweep is a batch of its own: it reads the stored state, and everything it
   * removes must be gone for all later messages, no matter how the log is cut into batches.
   */
  async take(reader: ShardLogReader, world: World): Promise<DecodedMessage[]> {
    const { maxBatch, maxBatchBytes } = this.#options;
    if (this.#held.length === 0) {
      this.#held = decodeMessages(await reader.take(maxBatch, IDLE_WAIT_MS), this.#options);
      await this.#waitForOthers(reader, world);
    }
    let bytes = 0;
    const end = this.#held.findIndex((entry, i) => {
      bytes += entry.message.data.byteLength;
      const before = this.#held[i - 1];
      if (before === undefined) return false;
      return bytes > maxBatchBytes || isSweep(entry) || isSweep(before) || this.#isAlone(before);
    });
    return this.#held.splice(0, end === -1 ? this.#held.length : end);
  }

  /** Returns messages that the batch did not take after all: they come first in the next. */
  giveBack(rest: readonly DecodedMessage[]): void {
    if (rest.length > 0) this.#held = [...rest, ...this.#held];
  }

  /** Up to that position messages are committed one by one: together they could not be. */
  oneByOneUntil(seq: number): void {
    this.#aloneUntil = seq;
  }

  clear(): void {
    this.#held = [];
  }

  #isAlone({ message }: DecodedMessage): boolean {
    return message.seq <= this.#aloneUntil;
  }

  /** As long as everything in the batch has patience; one message that has none ends the wait. */
  async #waitForOthers(reader: ShardLogReader, world: World): Promise<void> {
    const { clock, maxBatch, stopped } = this.#options;
    let until = Number.POSITIVE_INFINITY;
    for (let added = this.#held; this.#held.length > 0 && !stopped.aborted; ) {
      const now = clock.monotonic();
      for (const entry of added) until = Math.min(until, now + patienceMs(entry, world));
      const room = maxBatch - this.#held.length;
      if (room <= 0 || until <= now) return;
      added = decodeMessages(await reader.take(room, until - now), this.#options);
      this.#held = this.#held.concat(added);
    }
  }
}
