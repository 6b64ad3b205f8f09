/**
 * The events of a pool, or of all pools, in order. Reads the events stream with a short-lived consumer of its own that
 * needs no acknowledgements; after a lost connection, or at the slightest doubt about what was delivered, a new
 * consumer reads on after the last event that was given out.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  AckPolicy,
  type Consumer,
  type ConsumerConfig,
  type ConsumerMessages,
  DeliverPolicy,
  type JetStreamManager,
  type JsMsg,
  jetstreamManager,
} from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { watchConnection } from '../bus/decision-publisher.ts';
import { LogDivergedError, messageOf, UnavailableError } from '../errors.ts';
import type { ConvergeEvent } from '../protocol/event.ts';
import { isObject } from '../protocol/json.ts';
import type { Subjects } from '../protocol/subjects.ts';

/**
 * Where to begin: with what happens from now on, with the oldest event that is kept, after the event at a position of
 * the stream (see {@link EventFeed.position}), or at a time in milliseconds since the epoch.
 */
export type EventStart =
  | 'new'
  | 'all'
  | { readonly afterEventStreamSeq: number }
  | { readonly since: number };

export interface EventOptions {
  /** Left out: every pool. */
  readonly pool?: string | undefined;
  /** `'new'` when left out. */
  readonly start?: EventStart | undefined;
}

export interface EventFeedOptions extends EventOptions {
  readonly connection: NatsConnection;
  readonly subjects: Subjects;
}

const FETCH = { max_messages: 256, expires: 5_000, idle_heartbeat: 1_000 } as const;
/** A request that was lost with the connection is not waited for much longer. */
const REQUEST_MS = 2_000;
const CONSUMER_LIFETIME_NANOS = 30_000_000_000;
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 2_000;

interface Reading {
  readonly consumer: Consumer;
  /** Number of the latest delivery: one that is left out was lost on the way. */
  delivered: number;
}

export class EventFeed implements AsyncIterable<ConvergeEvent> {
  /**
   * Resolves when the feed has its beginning: with `start: 'new'`, every event after this is given out. Rejects with an
   * {@link UnavailableError} only when the feed is closed before.
   */
  readonly opened: Promise<void>;
  readonly #options: EventFeedOptions;
  readonly #stop = new AbortController();
  readonly #unwatch: () => void;
  readonly #first: Promise<Reading>;
  #isIterated = false;
  #isDoubtful = false;
  #position: number | undefined;
  #streamCreated: string | undefined;
  #messages: ConsumerMessages | undefined;

  constructor(options: EventFeedOptions) {
    this.#options = options;
    this.#unwatch = watchConnection(options.connection, {
      reconnected: () => this.#doubt(),
      closed: () => this.close(),
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
   * nobody waits for ever for events that have other positions now.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<ConvergeEvent, void, undefined> {
    if (this.#isIterated) throw new Error('an event feed can be iterated once');
    this.#isIterated = true;
    let reading: Reading | undefined;
    try {
      reading = await this.#first;
      while (!this.#stop.signal.aborted) {
        reading ??= await this.#open();
        yield* this.#batch(reading);
        if (this.#isDoubtful) reading = undefined;
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    } finally {
      this.close();
      void reading?.consumer.delete().catch(() => undefined);
    }
  }

  /** Iteration ends; may be called at any time and more than once. */
  close(): void {
    if (this.#stop.signal.aborted) return;
    this.#unwatch();
    this.#stop.abort(new UnavailableError('the event feed is closed'));
    void this.#messages?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** What one request brings, at most; ends early when in doubt. */
  async *#batch(reading: Reading): AsyncGenerator<ConvergeEvent, void, undefined> {
    try {
      this.#messages = await reading.consumer.fetch(FETCH);
      if (this.#isDoubtful || this.#stop.signal.aborted) return;
      for await (const message of this.#messages) {
        const { deliverySequence, streamSequence } = message.info;
        if (deliverySequence !== reading.delivered + 1) return this.#doubt();
        reading.delivered = deliverySequence;
        this.#position = streamSequence;
        const event = eventOf(message);
        if (event !== undefined) yield event;
      }
    } catch {
      // The consumer is gone, or the server was silent for too long.
      this.#doubt();
    } finally {
      void this.#messages?.close();
    }
  }

  #doubt(): void {
    this.#isDoubtful = true;
    void this.#messages?.close();
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
        if (error instanceof LogDivergedError) throw error;
        if (this.#options.connection.isClosed())
          throw new UnavailableError(messageOf(error), { cause: error });
      }
      // Aborted: the reason is thrown at the top of the loop.
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #openOnce(): Promise<Reading> {
    const { connection, subjects } = this.#options;
    const stream = subjects.streams.events;
    const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: REQUEST_MS });
    await this.#verify(jsm, stream);
    const info = await jsm.consumers.add(stream, this.#consumerConfig());
    // The server says where it begins: from here on that is known, also if nothing is delivered before the next doubt.
    this.#position ??= info.delivered.stream_seq;
    return { consumer: jsm.jetstream().consumers.getConsumerFromInfo(info), delivered: 0 };
  }

  async #verify(jsm: JetStreamManager, stream: string): Promise<void> {
    const { created, state } = await jsm.streams.info(stream);
    this.#streamCreated ??= created;
    if (created !== this.#streamCreated) throw new LogDivergedError(`stream ${stream} was made anew`);
    if (this.#position !== undefined && state.last_seq < this.#position) {
      throw new LogDivergedError(
        `stream ${stream} ends at ${state.last_seq}, but ${this.#position} was read already`,
      );
    }
  }

  #consumerConfig(): Partial<ConsumerConfig> {
    const { subjects, pool } = this.#options;
    return {
      ...this.#beginning(),
      ack_policy: AckPolicy.None,
      filter_subject: subjects.eventsOf(pool),
      inactive_threshold: CONSUMER_LIFETIME_NANOS,
      mem_storage: true,
      num_replicas: 1,
    };
  }

  #beginning(): Pick<ConsumerConfig, 'deliver_policy'> & Partial<ConsumerConfig> {
    if (this.#position !== undefined) return after(this.#position);
    const { start = 'new' } = this.#options;
    if (start === 'new') return { deliver_policy: DeliverPolicy.New };
    if (start === 'all') return { deliver_policy: DeliverPolicy.All };
    if ('afterEventStreamSeq' in start) return after(start.afterEventStreamSeq);
    return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(start.since).toISOString() };
  }
}

function after(position: number): Pick<ConsumerConfig, 'deliver_policy'> & Partial<ConsumerConfig> {
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: position + 1 };
}

/** Undefined for what is not an event: only the workers write here, unless the permissions say otherwise. */
function eventOf(message: JsMsg): ConvergeEvent | undefined {
  try {
    const body = message.json<unknown>();
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
