/** What happens in a pool, or in all pools: of one stream of events, or of all that there are, together. */
import { LogDivergedError } from '../../lib/errors.ts';
import type { ConvergeEvent } from '../../protocol/event.ts';
import type { EventFeedOptions } from './event-options.ts';
import { placeIn } from './event-source.ts';
import { merged } from './merged.ts';
import { StreamFeed } from './stream-feed.ts';

/** What happens in pools, in order, as it is published. An async iterable; see {@link ConvergeClient.events}. */
export class EventFeed implements AsyncIterable<ConvergeEvent> {
  /**
   * Resolves when the feed has its beginning: with `start: 'new'`, every event after this is given out. Rejects with an
   * `UnavailableError` when the feed is closed before, or cannot be opened within `timeoutMs`; with a
   * {@link QueryError} when there is no such pool that the asker may see, with a {@link PermissionDeniedError} when the
   * server does not let the connection read, and with a {@link LogDivergedError} when the events after the position
   * where it is to begin are not, or no longer, in the stream.
   */
  readonly opened: Promise<void>;
  readonly #options: EventFeedOptions;
  readonly #first: StreamFeed;
  /** In the order of the streams. Of one pool there is one. */
  #parts: readonly StreamFeed[];
  /** Of parts that may have read ahead of what is given out: the position up to which it is. */
  readonly #held = new Map<StreamFeed, string | undefined>();
  #isIterated = false;
  #isClosed = false;

  /** Throws a `ConfigurationError` for a pool or a start that is none. */
  constructor(options: EventFeedOptions) {
    this.#options = options;
    this.#first = this.#part(0);
    this.#parts = [this.#first];
    this.opened = this.#open();
    this.opened.catch(() => this.close());
  }

  /**
   * Behind the latest event that was given out, or the beginning; undefined until opened. To read on from there another
   * time, begin with `{ after: position }`.
   */
  get position(): string | undefined {
    const places = this.#parts.map((part) => (this.#held.has(part) ? this.#held.get(part) : part.position));
    return places.includes(undefined) ? undefined : places.join(',');
  }

  /** It was closed, or its client was: no more events come. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Ends when the feed is closed. Throws a {@link LogDivergedError} when the stream was rolled back or created again, so that
   * nobody waits for events that have other positions now, and when events were lost, because they were no longer kept
   * before they could be given out; a `NotAuthorizedError` when the server no longer accepts the connection's credentials.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<ConvergeEvent, void, undefined> {
    if (this.#isIterated) throw new Error('an event feed can be iterated once');
    this.#isIterated = true;
    for (const part of this.#parts) part.expectReader();
    try {
      if (!(await this.#isOpened())) return;
      if (this.#parts.length === 1) yield* this.#first;
      else yield* this.#merged();
    } finally {
      this.close();
    }
  }

  /** Iteration ends; may be called at any time and more than once. Nothing is left behind, iterated or not. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const part of this.#parts) part.close();
    this.#options.onEnd?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async *#merged(): AsyncGenerator<ConvergeEvent, void, undefined> {
    for await (const { part, event } of merged(this.#parts.map((part) => this.#readyOf(part)))) {
      this.#held.delete(part);
      yield event;
    }
  }

  async *#readyOf(part: StreamFeed): AsyncGenerator<{ part: StreamFeed; event: ConvergeEvent }> {
    this.#held.set(part, part.position);
    for await (const event of part) {
      yield { part, event };
      // Given out by now. From here on it reads ahead of what is.
      this.#held.set(part, part.position);
    }
  }

  /** False when it was closed before; rejects when it could not be opened. */
  async #isOpened(): Promise<boolean> {
    try {
      await this.opened;
      return true;
    } catch (error) {
      if (this.#first.wasClosed) return false;
      throw error;
    }
  }

  /** What there is beside the first stream is known when that is open. */
  async #open(): Promise<void> {
    await this.#first.opened;
    const { pool, start = 'new' } = this.#options;
    const { streams } = this.#first;
    if (pool !== undefined || streams <= 1) return;
    if (typeof start === 'object' && 'after' in start && placeIn(start, streams - 1) === undefined) {
      throw new LogDivergedError(`the position is of another number of streams than ${streams}`);
    }
    const others = Array.from({ length: streams - 1 }, (_, i) => this.#part(i + 1));
    this.#parts = [this.#first, ...others];
    if (this.#isClosed) for (const part of others) part.close();
    await Promise.all(others.map(({ opened }) => opened));
  }

  #part(index: number): StreamFeed {
    return new StreamFeed({ ...this.#options, index, onEnd: () => this.close() });
  }
}
