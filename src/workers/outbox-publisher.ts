/**
 * Publishes what commits owe, in their order: results at once, events and dead letters one batch after the other, so
 * that the order of a pool's events is that of the log. A bounded number of batches may wait; then the shard does.
 */
import type { Logger } from 'pino';
import type { LogMessage } from '../bus/log-reader.ts';
import { messageOf } from '../errors.ts';
import type { ShardStore } from '../state/shard-store.ts';
import type { WorkerMetrics } from './metrics.ts';
import { decodeOutbox, type Owed } from './outbox.ts';
import type { Clock, ShardLog, ShardPublisher } from './ports.ts';

export interface OutboxPublisherOptions {
  readonly store: ShardStore;
  readonly log: ShardLog;
  readonly publisher: ShardPublisher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
  readonly holdsLease: () => boolean;
}

const MAX_WAITING = 8;
const RETRY_MS = 250;
const FINISH_WITHIN_MS = 5_000;

/** Thrown to end work on batches that are another worker's by now. */
class Abandoned extends Error {}

export class OutboxPublisher {
  readonly #options: OutboxPublisherOptions;
  #generation = 0;
  #waiting = 0;
  #published: number[] = [];
  #chain: Promise<void> = Promise.resolve();
  #roomMade: (() => void) | undefined;

  constructor(options: OutboxPublisherOptions) {
    this.#options = options;
  }

  /** Takes over what a commit at `seq` owes. Resolves when there is room for the next. */
  async publish(
    seq: number,
    owed: Owed,
    outcomes: ReadonlyMap<string, string>,
    messages: ReadonlyMap<number, LogMessage>,
  ): Promise<void> {
    const generation = this.#generation;
    this.#waiting++;
    // Agents wait for results; events can follow when the stream confirmed those before.
    if (this.#options.holdsLease()) this.#sendResults(owed, outcomes);
    this.#chain = this.#chain.then(() => this.#publishSurely(generation, seq, owed, messages));
    while (this.#waiting >= MAX_WAITING && generation === this.#generation) await this.#room();
  }

  /** What a predecessor committed and may not have published: all of it, before anything new. */
  async drain(entries: readonly { readonly seq: number; readonly payload: string }[]): Promise<void> {
    const { store, logger } = this.#options;
    if (entries.length === 0) return;
    logger.info({ batches: entries.length }, 'publishing what the worker before left in the outbox');
    const generation = this.#generation;
    for (const { seq, payload } of entries) {
      const owed = decodeOutbox(payload);
      this.#sendResults(owed, await store.outcomes(owed.results));
      this.#waiting++;
      await this.#publishSurely(generation, seq, owed, new Map());
    }
    await this.clearPublished();
  }

  /** Batches that the next commit can clear from the outbox. */
  takePublished(): number[] {
    return this.#published.splice(0);
  }

  async clearPublished(): Promise<void> {
    const positions = this.takePublished();
    if (positions.length === 0) return;
    try {
      await this.#options.store.clearPublished(positions);
    } catch {
      this.#published.push(...positions);
    }
  }

  /** Lets go of everything: whoever has the shard now finds it in the outbox. */
  abandon(): void {
    this.#generation++;
    this.#published = [];
    this.#waiting = 0;
    this.#roomMade?.();
  }

  /** Waits until all is published, within a bound, and clears it. */
  async finish(): Promise<void> {
    const { clock, logger } = this.#options;
    const late = clock.sleep(FINISH_WITHIN_MS).then(() => 'late');
    if ((await Promise.race([this.#chain, late])) === 'late') {
      logger.warn({ batches: this.#waiting }, 'not all is published; the next owner does it');
      this.abandon();
    } else await this.clearPublished();
  }

  #sendResults({ results }: Owed, outcomes: ReadonlyMap<string, string>): void {
    const { publisher, logger } = this.#options;
    for (const key of results) {
      const outcome = outcomes.get(key);
      if (outcome === undefined) continue;
      try {
        publisher.result(key, outcome);
      } catch (error) {
        // An outcome too large for the server, or a closed connection: it can still be asked for.
        logger.warn({ key, reason: messageOf(error) }, 'a result could not be sent');
      }
    }
  }

  async #publishSurely(
    generation: number,
    seq: number,
    owed: Owed,
    messages: ReadonlyMap<number, LogMessage>,
  ): Promise<void> {
    for (;;) {
      try {
        await this.#publishOnce(generation, owed, messages);
        break;
      } catch (error) {
        if (error instanceof Abandoned) return;
        this.#options.metrics.publishFailures.inc();
        this.#options.logger.warn({ seq, reason: messageOf(error) }, 'could not publish; trying again');
        await this.#options.clock.sleep(RETRY_MS);
      }
    }
    if (generation !== this.#generation) return;
    this.#published.push(seq);
    this.#waiting--;
    this.#roomMade?.();
  }

  async #publishOnce(
    generation: number,
    owed: Owed,
    messages: ReadonlyMap<number, LogMessage>,
  ): Promise<void> {
    const { publisher, holdsLease } = this.#options;
    if (generation !== this.#generation) throw new Abandoned();
    if (!holdsLease()) throw new Error('the lease is in doubt');
    for (const letter of owed.deadLetters) {
      const message = messages.get(letter.seq) ?? (await this.#options.log.read(letter.seq));
      if (message !== undefined) await publisher.deadLetter(letter, message);
    }
    if (owed.events.length > 0) await publisher.events(owed.events);
    else await publisher.flush();
    if (generation !== this.#generation) throw new Abandoned();
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#roomMade = () => {
        this.#roomMade = undefined;
        resolve();
      };
    });
  }
}
