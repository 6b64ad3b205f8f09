/**
 * The events of a pool, or of all pools, in order. Reads the events stream, which holds them in packs, with a short-lived
 * consumer that needs no acknowledgements; after a lost connection, or at the slightest doubt about what was delivered, a
 * new consumer reads on after the last event that was given out.
 */
import { permissionDenied } from '../../bus/permission-denied.ts';
import { QueryClient } from '../../bus/query-client.ts';
import { watchConnection } from '../../bus/watch-connection.ts';
import {
  ConfigurationError,
  LogDivergedError,
  messageOf,
  PermissionDeniedError,
  QueryError,
  UnavailableError,
} from '../../lib/errors.ts';
import { after, sleep, type Timer } from '../../lib/timers.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import { isNotFound } from '../../protocol/codes.ts';
import type { ConvergeEvent } from '../../protocol/event.ts';
import { eventsIn } from '../../protocol/packs.ts';
import { type EventPlace, formatPosition } from '../../protocol/positions.ts';
import { eventFilter } from './event-filter.ts';
import { EventGaps, isFirstOfPool } from './event-gaps.ts';
import type { EventFeedOptions } from './event-options.ts';
import {
  consumerSource,
  type DeliveryBatch,
  type EventReading,
  type EventSource,
  placeIn,
} from './event-source.ts';
import { checkFeed } from './event-start.ts';
import { workerFeed } from './worker-feed.ts';

export interface StreamFeedOptions extends EventFeedOptions {
  /** Which stream of the events, where every pool is read. */
  readonly index: number;
}

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 2_000;

interface Reading {
  readonly source: EventReading;
  /** Number of the latest delivery: one that is left out was lost on the way. */
  delivered: number;
}

/** Events of one stream, in its order. */
export class StreamFeed implements AsyncIterable<ConvergeEvent> {
  /**
   * Resolves when the feed has its beginning: with `start: 'new'`, every event after this is given out. Rejects with an
   * {@link UnavailableError} when the feed is closed before, or cannot be opened within `timeoutMs`; with a
   * {@link QueryError} when there is no such pool that the asker may see, with a {@link PermissionDeniedError} when the
   * server does not let the connection read, and with a {@link LogDivergedError} when the events after the position
   * where it is to begin are not, or no longer, in the stream.
   */
  readonly opened: Promise<void>;
  readonly #options: StreamFeedOptions;
  readonly #source: EventSource;
  readonly #stop = new AbortController();
  readonly #unwatch: () => void;
  readonly #lateness: Timer;
  readonly #gaps: EventGaps;
  #isIterated = false;
  /** It was open before anyone read it: what it was to deliver first may have expired meanwhile. */
  #wasLeftUnread = false;
  #isDoubtful = false;
  readonly #isWanted: (event: ConvergeEvent) => boolean;
  #streams = 0;
  /** The next event to be read. */
  #place: EventPlace | undefined;
  /** The resource on the server, until it is discarded when the feed ends or is in doubt. */
  #reading: Reading | undefined;
  #batch: DeliveryBatch | undefined;
  /** Why it has ended, when nobody has closed it. */
  #loss: Error | undefined;
  /** Why it could not be opened the last time. */
  #problem = 'no answer';

  /** Throws a `ConfigurationError` for a pool or a start that is none. */
  constructor(options: StreamFeedOptions) {
    const { pool, start = 'new', timeoutMs = Number.POSITIVE_INFINITY, connection } = options;
    checkFeed(pool, start);
    this.#isWanted = eventFilter(options, start);
    this.#place = placeIn(start, options.index);
    this.#options = options;
    this.#gaps = new EventGaps(pool);
    this.#source = sourceOf(options);
    this.#lateness = after(timeoutMs, () => {
      this.#end(
        new UnavailableError(`no event feed could be opened within ${timeoutMs} ms: ${this.#problem}`),
      );
    });
    this.#unwatch = watchConnection(connection, {
      reconnected: () => this.#doubt(),
      closed: (why) => this.#end(why),
    });
    this.opened = this.#open().then(() => this.#lateness.cancel());
    this.opened.catch((error) => this.#end(error));
  }

  /** Over how many streams the events are spread; 0 until opened. */
  get streams(): number {
    return this.#streams;
  }

  /**
   * Behind the latest event that was given out, or the beginning; undefined until opened. To read on from there another
   * time, begin with `{ after: position }`.
   */
  get position(): string | undefined {
    return this.#place === undefined ? undefined : formatPosition(this.#place);
  }

  /** It was closed, or its client was: no further events come. */
  get isClosed(): boolean {
    return this.#stop.signal.aborted;
  }

  /** From here on a caller waits for events: the first that was delivered before may have expired unread. */
  expectReader(): void {
    this.#wasLeftUnread = this.#reading !== undefined;
  }

  /** Whether it ended because it was closed, and not because of what it met. */
  get wasClosed(): boolean {
    return this.isClosed && this.#loss === undefined;
  }

  /**
   * Ends when the feed is closed. Throws a {@link LogDivergedError} when the stream was rolled back or created again, so that
   * nobody waits for events that have other positions now, and when events were lost, because they were no longer kept
   * before they could be given out; a `NotAuthorizedError` when the server no longer accepts the connection's credentials.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<ConvergeEvent, void, undefined> {
    if (this.#isIterated) throw new Error('an event feed can be iterated once');
    this.#isIterated = true;
    const { signal } = this.#stop;
    try {
      await this.opened;
      while (!signal.aborted) {
        yield* this.#deliveries(this.#reading ?? (await this.#open()));
        if (this.#isDoubtful) this.#discard();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.close();
    }
    if (this.#loss !== undefined) throw this.#loss;
  }

  /** Iteration ends; may be called at any time and more than once. Nothing is left behind, iterated or not. */
  close(): void {
    this.#end(undefined);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #end(loss: Error | undefined): void {
    if (this.#stop.signal.aborted) return;
    this.#loss = loss;
    this.#unwatch();
    this.#lateness.cancel();
    this.#stop.abort(loss ?? new UnavailableError('the event feed is closed'));
    this.#batch?.close();
    this.#discard();
    this.#options.onEnd?.();
  }

  /** Maximum number of messages of one request; ends early when in doubt. */
  async *#deliveries(reading: Reading): AsyncGenerator<ConvergeEvent, void, undefined> {
    try {
      this.#batch = await reading.source.next();
      if (this.#isDoubtful || this.#stop.signal.aborted) return;
      for await (const { seq, delivery, data } of this.#batch) {
        if (delivery !== reading.delivered + 1) return this.#doubt();
        reading.delivered = delivery;
        yield* this.#eventsOf(seq, data);
        if (this.#isDoubtful) return;
      }
    } catch (error) {
      const final = finalIn(error);
      if (final !== undefined) throw final;
      // The consumer is gone, or the server was silent for too long.
      this.#doubt();
    } finally {
      this.#batch?.close();
    }
  }

  /** Those of a pack that were not given out before, and that are wanted. */
  *#eventsOf(seq: number, data: Uint8Array): Generator<ConvergeEvent, void, undefined> {
    const events = eventsIn(data);
    if (this.#isUnprovenBeginning(seq, events[0])) return this.#doubt();
    this.#gaps.checkPosition(seq);
    const from = this.#place?.seq === seq ? this.#place.index : 0;
    for (const [index, event] of events.entries()) {
      const isKnown = event === undefined || this.#gaps.isRepeat(event) || index < from;
      if (isKnown || !this.#isWanted(event)) continue;
      if (index + 1 < events.length) this.#goTo(seq, index + 1);
      else this.#goTo(seq + 1, 0);
      yield event;
    }
    this.#goTo(seq + 1, 0);
  }

  #goTo(seq: number, index: number): void {
    if (this.#place !== undefined) this.#place = { ...this.#place, seq, index };
  }

  /**
   * Nothing came before it that its number could be compared with. Opened again, the stream says whether it still keeps
   * what follows the beginning.
   */
  #isUnprovenBeginning(seq: number, event: ConvergeEvent | undefined): boolean {
    if (!this.#wasLeftUnread || this.#place === undefined) return false;
    this.#wasLeftUnread = false;
    return seq > this.#place.seq && (event === undefined || !isFirstOfPool(event));
  }

  #doubt(): void {
    this.#isDoubtful = true;
    this.#batch?.close();
  }

  #discard(): void {
    this.#reading?.source.discard();
    this.#reading = undefined;
  }

  /** Tries until it succeeds or the feed is closed. */
  async #open(): Promise<Reading> {
    const { signal } = this.#stop;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
      signal.throwIfAborted();
      this.#isDoubtful = false;
      try {
        const reading = { source: await this.#openOnce(), delivered: 0 };
        this.#reading = reading;
        return reading;
      } catch (error) {
        const final = finalIn(error);
        if (final !== undefined) throw final;
        this.#problem = messageOf(error);
        if (this.#options.connection.isClosed())
          throw new UnavailableError(messageOf(error), { cause: error });
      }
      // Aborted: the reason is thrown at the top of the loop.
      await sleep(pauseMs, signal).catch(() => undefined);
    }
  }

  async #openOnce(): Promise<EventReading> {
    const { start = 'new' } = this.#options;
    const { signal } = this.#stop;
    const opening = this.#source.open({
      place: this.#place,
      start,
      reached: (position) => this.#reached(position),
      signal,
    });
    try {
      const source = await unlessAborted(signal, opening);
      this.#verify(source);
      this.#streams = source.streams;
      // Who wants all that there is misses nothing of what was no longer there.
      const after = start === 'all' ? Math.max(source.after, source.first - 1) : source.after;
      this.#place ??= { stream: source.identity, seq: after + 1, index: 0 };
      return source;
    } catch (error) {
      // Also what is opened only after the feed was closed.
      void opening.then(({ discard }) => discard()).catch(() => undefined);
      throw error;
    }
  }

  /** Nothing of ours stands up to there: what is no longer kept of it was not lost to us. */
  #reached(position: number): void {
    if (position >= (this.#place?.seq ?? 0)) this.#goTo(position + 1, 0);
  }

  #verify({ identity, first, last }: EventReading): void {
    const { subjects: names, index: which } = this.#options;
    const stream = which === 0 ? names.streams.events : `${names.streams.events}_${which}`;
    if (this.#place === undefined) return;
    const { stream: expected, seq, index } = this.#place;
    if (identity !== expected) throw new LogDivergedError(`stream ${stream} was created again`);
    const read = index === 0 ? seq - 1 : seq;
    if (last < read)
      throw new LogDivergedError(`stream ${stream} ends at ${last}, but ${read} was already read`);
    if (first > seq)
      throw new LogDivergedError(
        `stream ${stream} no longer keeps the packs of events ${seq} to ${first - 1}: begin again, with the events that are left ` +
          "(start: 'all') or with new ones (start: 'new')",
      );
  }
}

/** `rate_limited`: more feeds than a name may have. A worker that is busy is asked again and not told of here. */
const FINAL_CODES: ReadonlySet<string> = new Set(['not_allowed', 'rate_limited']);

/** Asking again changes nothing about another stream, a permission that is missing, a pool that is not for us. */
function finalIn(error: unknown): Error | undefined {
  if (error instanceof LogDivergedError || error instanceof PermissionDeniedError) return error;
  if (error instanceof ConfigurationError) return error;
  if (error instanceof QueryError && (isNotFound(error.code) || FINAL_CODES.has(error.code))) return error;
  return permissionDenied(error);
}

function sourceOf({ connection, subjects, pool, asker, index }: StreamFeedOptions): EventSource {
  if (asker === undefined) return consumerSource(connection, subjects, pool, index);
  const queries = new QueryClient({ connection, subjects, asker });
  return workerFeed({ connection, subjects, queries, asker, pool, index });
}
