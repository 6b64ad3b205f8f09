/** Cuts the messages into batches. The way in which the log is cut makes no difference to the result. */
import type { LogMessage } from '../../bus/log-message.ts';
import type { World } from '../../handlers/world/world.ts';
import type { Decision } from '../../protocol/decisions/index.ts';
import { batchDelayMs } from './batch-delay.ts';
import { type DecodedMessage, decodeMessages, isSweep } from './decide-batch.ts';
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

/**
 * Decisions in one batch, those in Batches one by one, and what they depend on: about as many as a commit has room for. What is beyond would be
 * decoded and looked up in vain, again with each commit, and nothing else of the process goes on meanwhile.
 */
const MAX_DECISIONS = 2_000;

/** This is also how soon an idle shard notices that the store was emptied or went back. */
const IDLE_WAIT_MS = 1_000;

export class BatchReader {
  readonly #options: BatchReaderOptions;
  /** Messages that did not fit into the last batch: read, but not yet applied. Those that come first are decoded. */
  #held: DecodedMessage[] = [];
  #undecoded: readonly LogMessage[] = [];
  /** Up to this message each is a batch of its own. */
  #aloneUntil = 0;

  constructor(options: BatchReaderOptions) {
    this.#options = options;
  }

  /** Messages that were read and wait for the next batch. */
  get held(): number {
    return this.#held.length + this.#undecoded.length;
  }

  /**
   * The next batch, bounded in messages and bytes. A Sweep is a batch of its own: it reads the stored state, and everything it
   * removes must be gone for all later messages, no matter how the log is cut into batches.
   */
  async take(reader: ShardLogReader, world: World): Promise<DecodedMessage[]> {
    const { maxBatch, maxBatchBytes } = this.#options;
    if (this.held === 0) {
      this.#undecoded = await reader.take(maxBatch, IDLE_WAIT_MS);
      await this.#waitForOthers(reader, world);
    }
    this.#decodeSome();
    let bytes = 0;
    let decisions = 0;
    const end = this.#held.findIndex((entry, i) => {
      bytes += entry.message.data.byteLength;
      decisions += decisionsIn(entry);
      const before = this.#held[i - 1];
      if (before === undefined) return false;
      const isFull = bytes > maxBatchBytes || decisions > MAX_DECISIONS;
      return isFull || isSweep(entry) || isSweep(before) || this.#isAlone(before);
    });
    return this.#held.splice(0, end === -1 ? this.#held.length : end);
  }

  /** As much as one batch may hold; answers what came. */
  #decodeSome(): DecodedMessage[] {
    let decisions = this.#held.reduce((sum, entry) => sum + decisionsIn(entry), 0);
    const from = this.#held.length;
    let next = 0;
    for (; next < this.#undecoded.length && decisions < MAX_DECISIONS; next++) {
      for (const entry of decodeMessages(this.#undecoded.slice(next, next + 1), this.#options)) {
        decisions += decisionsIn(entry);
        this.#held.push(entry);
      }
    }
    this.#undecoded = this.#undecoded.slice(next);
    return this.#held.slice(from);
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
    this.#undecoded = [];
  }

  #isAlone({ message }: DecodedMessage): boolean {
    return message.seq <= this.#aloneUntil;
  }

  /** As long as every message of the batch may wait; one that may not ends the wait. */
  async #waitForOthers(reader: ShardLogReader, world: World): Promise<void> {
    const { clock, maxBatch, stopped } = this.#options;
    let until = Number.POSITIVE_INFINITY;
    for (let added = this.#decodeSome(); this.#held.length > 0 && !stopped.aborted; ) {
      const now = clock.monotonic();
      for (const entry of added) until = Math.min(until, now + batchDelayMs(entry, world));
      const room = maxBatch - this.held;
      if (room <= 0 || until <= now || this.#undecoded.length > 0) return;
      this.#undecoded = await reader.take(room, until - now);
      added = this.#decodeSome();
    }
  }
}

function decisionsIn({ decoded }: DecodedMessage): number {
  if (decoded.kind !== 'decision') return 1;
  const { decision } = decoded;
  if (decision.type !== 'Batch') return 1 + namedBeside(decision);
  return decision.decisions.reduce((sum, member) => sum + 1 + namedBeside(member), 0);
}

/** What a decision names besides what it is about has to be looked up, too. */
function namedBeside(decision: Decision): number {
  return decision.type === 'SubmitTask' ? (decision.dependsOn?.length ?? 0) : 0;
}
