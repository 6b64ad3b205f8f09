/**
 * Where a feed reads the events stream: by a consumer of its own where the connection may have one, or as a worker lets
 * them be delivered (query `feed`), where the connection has an agent's rights.
 */
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  type JsMsg,
  jetstreamManager,
} from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { eventsIdentityOf } from '../bus/streams.ts';
import type { Subjects } from '../protocol/subjects.ts';

/**
 * Where to begin: with what happens from now on, with the oldest event that is kept, after the event at a position of
 * the stream (see `EventFeed.position`), or at a time in milliseconds since the epoch.
 */
export type EventStart =
  | 'new'
  | 'all'
  | { readonly afterEventStreamSeq: number }
  | { readonly since: number };

/** Where reading goes on. */
export interface From {
  /** After this position in the stream; undefined before the first reading: then `start` counts. */
  readonly position: number | undefined;
  readonly start: EventStart;
}

export interface Delivery {
  /** Position in the stream. */
  readonly seq: number;
  /** Number of this delivery: one that is left out was lost on the way. */
  readonly delivery: number;
  readonly data: Uint8Array;
}

/** Deliveries of one request, or all that come. Throws when it is not sure that nothing was lost. */
export interface DeliveryBatch extends AsyncIterable<Delivery> {
  /** Ends it; may be called more than once. */
  close(): void;
}

/** One consumer's deliveries. */
export interface EventReading {
  /** Which stream it is, and the position of its last event, as they were when it was opened. */
  readonly identity: string;
  readonly last: number;
  /** What is delivered comes after this position. */
  readonly after: number;
  next(): Promise<DeliveryBatch>;
  /** Nobody will ask for more. Waits for nothing. */
  discard(): void;
}

export interface EventSource {
  open(from: From): Promise<EventReading>;
}

const FETCH = { max_messages: 256, expires: 5_000, idle_heartbeat: 1_000 } as const;
/** A request that was lost with the connection is not waited for much longer. */
const REQUEST_MS = 2_000;
const CONSUMER_LIFETIME_NANOS = 30_000_000_000;

/** A consumer of one's own: needs no worker, and the right to use JetStream. */
export function consumerSource(
  connection: NatsConnection,
  subjects: Subjects,
  pool: string | undefined,
): EventSource {
  return {
    async open({ position, start }) {
      const stream = subjects.streams.events;
      const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: REQUEST_MS });
      const opened = await jsm.streams.info(stream);
      const info = await jsm.consumers.add(stream, {
        ...beginning(position, start),
        ack_policy: AckPolicy.None,
        filter_subject: subjects.eventsOf(pool),
        inactive_threshold: CONSUMER_LIFETIME_NANOS,
        mem_storage: true,
        num_replicas: 1,
      });
      const consumer = jsm.jetstream().consumers.getConsumerFromInfo(info);
      return {
        identity: eventsIdentityOf(opened),
        last: opened.state.last_seq,
        // The server says where it begins: from here on that is known, also if nothing is delivered before a doubt.
        after: position ?? info.delivered.stream_seq,
        async next() {
          const messages = await consumer.fetch(FETCH);
          return {
            async *[Symbol.asyncIterator]() {
              for await (const message of messages) yield deliveryOf(message);
            },
            close: () => void messages.close(),
          };
        },
        discard: () => void consumer.delete().catch(() => undefined),
      };
    },
  };
}

function deliveryOf({ info, data }: JsMsg): Delivery {
  return { seq: info.streamSequence, delivery: info.deliverySequence, data };
}

function beginning(
  position: number | undefined,
  start: EventStart,
): Pick<ConsumerConfig, 'deliver_policy'> & Partial<ConsumerConfig> {
  const from =
    position ??
    (typeof start === 'object' && 'afterEventStreamSeq' in start ? start.afterEventStreamSeq : undefined);
  if (from !== undefined) return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from + 1 };
  if (start === 'all') return { deliver_policy: DeliverPolicy.All };
  if (typeof start === 'object' && 'since' in start)
    return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(start.since).toISOString() };
  return { deliver_policy: DeliverPolicy.New };
}
