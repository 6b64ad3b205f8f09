/**
 * Publishes the outbox of commits, in their order: results at once, events and dead letters one batch after the other, so
 * that the order of a pool's events is that of the log. A bounded number of batches may wait; beyond it the shard waits.
 */

import type { Logger } from 'pino';
import type { LogMessage } from '../../bus/log-reader.ts';
import { messageOf } from '../../lib/errors.ts';
import { Signal } from '../../lib/signal.ts';
import { pushAll } from '../../protocol/lists.ts';
import type { ShardStore } from '../../state/shard-store.ts';
import type { WorkerMetrics } from '../health/metrics.ts';
import { decodeOutbox, type Owed } from './outbox.ts';
import { roundsOf } from './packs.ts';
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

/** The outbox of one commit. */
interface Batch {
  readonly seq: number;
  readonly owed: Owed;
  readonly outcomes: ReadonlyMap<string, string>;
  readonly messages: ReadonlyMap<number, LogMessage>;
  hasSentResults: boolean;
}

const MAX_WAITING = 8;
const RETRY_MS = 250;

export class OutboxPublisher {
  readonly #options: OutboxPublisherOptions;
  /** Aborts all work on batches that belong to another worker by now; replaced by a new one, unless it is closed. */
  #generation = new AbortController();
  #isClosed = false;
  #waiting = 0;
  #confirmed = 0;
  /** Why the first batch in line could not be published. */
  #failure: string | undefined;
  #published: number[] = [];
  #chain: Promise<void> = Promise.resolve();
  readonly #roomMade = new Signal();

  constructor(options: OutboxPublisherOptions) {
    this.#options = options;
  }

  /** Whether anything waits for publication, and how many batches were published so far. */
  get progress(): {
    readonly isWaiting: boolean;
    readonly confirmed: number;
    readonly failure: string | undefined;
  } {
    return { isWaiting: this.#waiting > 0, confirmed: this.#confirmed, failure: this.#failure };
  }

  /** Nothing waits for publication, and everything published is cleared. */
  get isSettled(): boolean {
    return this.#waiting === 0 && this.#published.length === 0;
  }

  /** Accepts the outbox of the commit at `seq`. Resolves when there is room for the next. */
  async publish(
    seq: number,
    owed: Owed,
    outcomes: ReadonlyMap<string, string>,
    messages: ReadonlyMap<number, LogMessage>,
  ): Promise<void> {
    const { signal } = this.#generation;
    if (signal.aborted) return;
    const batch = { seq, owed, outcomes, messages, hasSentResults: false };
    this.#waiting++;
    // Agents wait for results; events can follow once the stream has confirmed earlier ones.
    if (this.#options.holdsLease()) this.#sendResults(batch);
    this.#chain = this.#chain.then(() => this.#publishSurely(signal, batch));
    while (this.#waiting >= MAX_WAITING && !signal.aborted) await this.#roomMade.next();
  }

  /** Publishes everything that the previous owner committed and may not have published, before anything new. */
  async drain(entries: readonly { readonly seq: number; readonly payload: string }[]): Promise<void> {
    const { store, logger } = this.#options;
    if (entries.length === 0) return;
    logger.info({ batches: entries.length }, 'publishing the outbox that the previous owner left');
    const { signal } = this.#generation;
    for (const { seq, payload } of entries) {
      const owed = decodeOutbox(payload);
      const outcomes = await store.outcomes(owed.results);
      if (signal.aborted) return;
      this.#waiting++;
      await this.#publishSurely(signal, { seq, owed, outcomes, messages: new Map(), hasSentResults: false });
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
      pushAll(this.#published, positions);
    }
  }

  /** Drops all batches for now: the next owner, this worker or another, finds them in the outbox. */
  abandon(): void {
    this.#generation.abort();
    if (!this.#isClosed) this.#generation = new AbortController();
    this.#published = [];
    this.#waiting = 0;
    this.#roomMade.notifyWaiters();
  }

  /**
   * Drops all batches for good, and later ones as well: they are left to the next owner, because they would otherwise be
   * published before the dropped ones.
   */
  close(): void {
    this.#isClosed = true;
    this.abandon();
  }

  /** Waits until everything is published, or abandoned, and clears it. */
  async finish(): Promise<void> {
    await unlessAborted(this.#generation.signal, this.#chain);
    await this.clearPublished();
  }

  #sendResults(batch: Batch): void {
    const { publisher, logger } = this.#options;
    batch.hasSentResults = true;
    const remembered = batch.owed.results.flatMap((key) => {
      const json = batch.outcomes.get(key);
      return json === undefined ? [] : [{ key, json }];
    });
    for (const { key, json } of [...remembered, ...batch.owed.refusals]) {
      try {
        publisher.result(key, json);
      } catch (error) {
        // An outcome too large for the server, or a closed connection: it can still be asked for.
        logger.warn({ key, reason: messageOf(error) }, 'could not send a result');
      }
    }
  }

  async #publishSurely(signal: AbortSignal, batch: Batch): Promise<void> {
    const { metrics, logger, clock } = this.#options;
    while (!signal.aborted) {
      try {
        await unlessAborted(signal, this.#publishOnce(signal, batch));
        break;
      } catch (error) {
        metrics.publishFailures.inc();
        this.#failure = messageOf(error);
        logger.warn({ seq: batch.seq, reason: messageOf(error) }, 'could not publish events: trying again');
        await unlessAborted(signal, clock.sleep(RETRY_MS));
      }
    }
    if (signal.aborted) return;
    this.#failure = undefined;
    this.#confirmed++;
    this.#published.push(batch.seq);
    this.#waiting--;
    this.#roomMade.notifyWaiters();
  }

  async #publishOnce(signal: AbortSignal, batch: Batch): Promise<void> {
    const { publisher, holdsLease, log } = this.#options;
    if (!holdsLease()) throw new Error('the lease is in doubt');
    if (!batch.hasSentResults) this.#sendResults(batch);
    const { deadLetters, packs } = batch.owed;
    for (const letter of deadLetters) {
      const message = batch.messages.get(letter.seq) ?? (await log.read(letter.seq));
      if (signal.aborted) return;
      if (message !== undefined) await publisher.deadLetter(letter, message);
    }
    if (signal.aborted) return;
    if (packs.length === 0) return await publisher.flush();
    for (const round of roundsOf(packs)) {
      if (signal.aborted) return;
      await publisher.packs(round);
    }
  }
}

/** Settles as the work does, or at once when the signal is aborted: nothing waits for hanging work. */
async function unlessAborted(signal: AbortSignal, work: Promise<void>): Promise<void> {
  if (signal.aborted) return;
  let onAbort = (): void => undefined;
  const aborted = new Promise<void>((resolve) => {
    onAbort = resolve;
    signal.addEventListener('abort', onAbort);
  });
  await Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
}
