/**
 * The events of a pool, or of all pools, in order. Reads the events stream with a short-lived consumer that needs no
 * acknowledgements; after a lost connection, or at the slightest doubt about what was delivered, a new
 * consumer reads on after the last event that was given out.
 */
import type { NatsConnection } from 'nats';
import { permissionDenied } from '../bus/permission-denied.ts';
import { QueryClient } from '../bus/query-client.ts';
import { watchConnection } from '../bus/watch-connection.ts';
import {
  type ConvergeError,
  LogDivergedError,
  messageOf,
  PermissionDeniedError,
  QueryError,
  UnavailableError,
} from '../errors.ts';
import { isNotFound } from '../protocol/codes.ts';
import type { ConvergeEvent } from '../protocol/event.ts';
import { isObject } from '../protocol/json.ts';
import type { Subjects } from '../protocol/subjects.ts';
import { sleep } from '../timers.ts';
import {
  consumerSource,
  type DeliveryBatch,
  type EventReading,
  type EventSource,
  type EventStart,
} from './event-source.ts';
import { workerFeed } from './worker-feed.ts';

export interface EventOptions {
  /** Left out: every pool. */
  readonly pool?: string | undefined;
  /** `'new'` when left out. */
  readonly start?: EventStart | undefined;
}

export interface EventFeedOptions extends EventOptions {
  readonly connection: NatsConnection;
  readonly subjects: Subjects;
  /**
   * The name that the NATS server vouches for: then a worker opens the feed, for which a name's rights suffice. Left
   * out: the feed has a consumer of its own.
   */
  readonly asker?: string | undefined;
}

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 2_000;

interface Reading {
  readonly source: EventReading;
  /** Number of the latest delivery: one that is left out was lost on the way. */
  delivered: number;
}

export class EventFeed implements AsyncIterable<ConvergeEvent> {
  /**
   * Resolves when the feed has its beginning: with `start: 'new'`, every event after this is given out. Rejects with an
   * {@link UnavailableError} when the feed is closed before, with a {@link QueryError} when there is no such pool that
   * the asker may see, and with a {@link PermissionDeniedError} when the server does not let the connection read.
   */
  readonly opened: Promise<void>;
  readonly #options: EventFeedOptions;
  readonly #source: EventSource;
  readonly #stop = new AbortController();
  readonly #unwatch: () => void;
  readonly #first: Promise<Reading>;
  #isIterated = false;
  #isDoubtful = false;
  #position: number | undefined;
  #streamIdentity: string | undefined;
  #batch: DeliveryBatch | undefined;
  #loss: ConvergeError | undefined;

  constructor(options: EventFeedOptions) {
    this.#options = options;
    this.#source = sourceOf(options);
    this.#unwatch = watchConnection(options.connection, {
      reconnected: () => this.#doubt(),
      closed: (why) => this.#lose(why),
    });
    this.#first = this.#open();
    this.opened = this.#first.then(() => undefined);
    this.opened.catch(() => undefined);
  }

  /** Position in the stream of the latest event that was given out, or of the beginning; undefined until opened. */
  get position(): number | undefined {
    return this.#position;
  }

  get isClosed(): boolean {
    return this.#stop.signal.aborted;
  }

  /**
   * Ends when the feed is closed. Throws a {@link LogDivergedError} when the stream was rolled back or made anew, so that
   * nobody waits for ever for events that have other positions now; a `NotAuthorizedError` when the server takes the
   * connection's credentials no more.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<ConvergeEvent, void, undefined> {
    if (this.#isIterated) throw new Error('an event feed can be iterated once');
    this.#isIterated = true;
    let reading: Reading | undefined;
    try {
      reading = await this.#first;
      while (!this.#stop.signal.aborted) {
        reading ??= await this.#open();
        yield* this.#deliveries(reading);
        if (this.#isDoubtful) reading = undefined;
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    } finally {
      this.close();
      reading?.source.discard();
    }
    if (this.#loss !== undefined) throw this.#loss;
  }

  /** Iteration ends; may be called at any time and more than once. */
  close(): void {
    if (this.#stop.signal.aborted) return;
    this.#unwatch();
    this.#stop.abort(new UnavailableError('the event feed is closed'));
    this.#batch?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** What one request brings, at most; ends early when in doubt. */
  async *#deliveries(reading: Reading): AsyncGenerator<ConvergeEvent, void, undefined> {
    try {
      this.#batch = await reading.source.next();
      if (this.#isDoubtful || this.#stop.signal.aborted) return;
      for await (const { seq, delivery, data } of this.#batch) {
        if (delivery !== reading.delivered + 1) return this.#doubt();
        reading.delivered = delivery;
        this.#position = seq;
        const event = eventOf(data);
        if (event !== undefined) yield event;
      }
    } catch {
      // The consumer is gone, or the server was silent for too long.
      this.#doubt();
    } finally {
      this.#batch?.close();
    }
  }

  /** The connection is closed for good. */
  #lose(why: ConvergeError | undefined): void {
    this.#loss = why;
    this.close();
  }

  #doubt(): void {
    this.#isDoubtful = true;
    this.#batch?.close();
  }

  /** Tries until it succeeds or the feed is closed. */
  async #open(): Promise<Reading> {
    const { signal } = this.#stop;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
      signal.throwIfAborted();
      this.#isDoubtful = false;
      try {
        return await this.#openOnce();
      } catch (error) {
        const final = finalIn(error);
        if (final !== undefined) throw final;
        if (this.#options.connection.isClosed())
          throw new UnavailableError(messageOf(error), { cause: error });
      }
      // Aborted: the reason is thrown at the top of the loop.
      await sleep(pauseMs, signal).catch(() => undefined);
    }
  }

  async #openOnce(): Promise<Reading> {
    const { start = 'new' } = this.#options;
    const source = await this.#source.open({ position: this.#position, start });
    this.#verify(source);
    this.#position ??= source.after;
    return { source, delivered: 0 };
  }

  #verify({ identity, last, discard }: EventReading): void {
    const stream = this.#options.subjects.streams.events;
    this.#streamIdentity ??= identity;
    const problem =
      identity !== this.#streamIdentity
        ? `stream ${stream} was made anew`
        : this.#position !== undefined && last < this.#position
          ? `stream ${stream} ends at ${last}, but ${this.#position} was read already`
          : undefined;
    if (problem === undefined) return;
    discard();
    throw new LogDivergedError(problem);
  }
}

/** Asking again changes nothing about another stream, a permission that is missing, a pool that is not for us. */
function finalIn(error: unknown): Error | undefined {
  if (error instanceof LogDivergedError || error instanceof PermissionDeniedError) return error;
  if (error instanceof QueryError && (isNotFound(error.code) || error.code === 'not_allowed')) return error;
  return permissionDenied(error);
}

function sourceOf({ connection, subjects, pool, asker }: EventFeedOptions): EventSource {
  if (asker === undefined) return consumerSource(connection, subjects, pool);
  const queries = new QueryClient({ connection, subjects, asker });
  return workerFeed({ connection, subjects, queries, asker, pool });
}

/** Undefined for what is not an event: only the workers write here, unless the permissions say otherwise. */
function eventOf(data: Uint8Array): ConvergeEvent | undefined {
  try {
    const body: unknown = JSON.parse(Buffer.from(data).toString('utf8'));
    return isEvent(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

function isEvent(body: unknown): body is ConvergeEvent {
  return (
    isObject(body) &&
    typeof body.id === 'string' &&
    typeof body.type === 'string' &&
    typeof body.source === 'string' &&
    typeof body.subject === 'string'
  );
}
