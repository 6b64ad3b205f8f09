/**
 * Where a feed reads the events stream: by a consumer of its own where the connection may have one, or as a worker lets
 * them be delivered (query `feed`), where the connection has an agent's rights.
 */
import { AckPolicy, type Consumer, type JsMsg, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { deliveryFrom, poolFilter } from '../../bus/delivery-from.ts';
import { eventsIdentityOf } from '../../bus/layout.ts';
import { findLayout } from '../../bus/streams.ts';
import { UnavailableError } from '../../lib/errors.ts';
import { type EventPlace, parsePositions } from '../../protocol/positions.ts';
import { shardOf } from '../../protocol/shard.ts';
import { type Subjects, subjects as subjectsOf } from '../../protocol/subjects.ts';

/**
 * Where to begin: with what happens from now on, with the oldest event that is kept, after the event that had a position
 * (see `EventFeed.position`), or with what happened at a time or later, in milliseconds since the epoch.
 */
export type EventStart = 'new' | 'all' | { readonly after: string } | { readonly since: number };

/** Where reading goes on: the place of the next event, or else the start. */
export interface From {
  readonly place: EventPlace | undefined;
  readonly start: EventStart;
  /** Told, when nothing is delivered, up to which position of the stream there was nothing to deliver. */
  readonly reached: (position: number) => void;
  /** Aborted when nobody wants to read any more. */
  readonly signal: AbortSignal;
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
  /** Over how many streams the events are spread. */
  readonly streams: number;
  /** Which stream it is, and the positions of its first and its last pack, as they were when it was opened. */
  readonly identity: string;
  readonly first: number;
  readonly last: number;
  /** Delivery begins after this position. */
  readonly after: number;
  next(): Promise<DeliveryBatch>;
  /** Nobody will ask for more. Waits for nothing; may be called more than once. */
  discard(): void;
}

export interface EventSource {
  open(from: From): Promise<EventReading>;
}

/** A pack may have half a mebibyte: all that is requested at once has to fit into what a server keeps for a slow reader. */
const FETCH = { max_messages: 64, expires: 5_000, idle_heartbeat: 1_000 } as const;
/** A request that was lost with the connection is not waited for much longer. */
const REQUEST_MS = 2_000;
const CONSUMER_LIFETIME_NANOS = 30_000_000_000;
/** How often an idle consumer is asked how far it is. */
const REACHED_EVERY_MS = 60_000;

/** A consumer of one's own: needs no worker, and the right to use JetStream. */
export function consumerSource(
  connection: NatsConnection,
  subjects: Subjects,
  pool: string | undefined,
  index: number,
): EventSource {
  return {
    async open({ place, start, reached, signal }) {
      const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: REQUEST_MS });
      // Who reads the streams itself has to know that it understands them.
      const layout = await findLayout(jsm, subjects);
      if (layout === undefined)
        throw new UnavailableError(`there is no system in namespace ${subjects.namespace}`);
      const { shards, logs } = layout;
      const names = subjectsOf(subjects.namespace, logs.length);
      const stream = names.eventsStreamOf(pool === undefined ? index : shardOf(pool, shards));
      signal.throwIfAborted();
      const info = await jsm.consumers.add(stream, {
        ...deliveryFrom(place?.seq, sinceOf(start)),
        ack_policy: AckPolicy.None,
        ...poolFilter(subjects, shards, pool),
        inactive_threshold: CONSUMER_LIFETIME_NANOS,
        mem_storage: true,
        num_replicas: 1,
      });
      const consumer = jsm.jetstream().consumers.getConsumerFromInfo(info);
      const discard = (): void => void consumer.delete().catch(() => undefined);
      try {
        signal.throwIfAborted();
        // After the consumer was made: what the stream still holds now, the consumer has not passed over.
        const opened = await jsm.streams.info(stream);
        return {
          streams: logs.length,
          identity: eventsIdentityOf(opened),
          first: opened.state.first_seq,
          last: opened.state.last_seq,
          // The server says where it begins: from here on that is known, also if nothing is delivered before a doubt.
          after: place === undefined ? info.delivered.stream_seq : place.seq - 1,
          next: fetching(consumer, reached),
          discard,
        };
      } catch (error) {
        discard();
        throw error;
      }
    },
  };
}

/** Asks for deliveries again and again; every now and then, when there are none, how far the consumer is. */
function fetching(consumer: Consumer, reached: From['reached']): () => Promise<DeliveryBatch> {
  let delivered = 0;
  let askedAt = performance.now();
  return async () => {
    const messages = await consumer.fetch(FETCH);
    return {
      async *[Symbol.asyncIterator]() {
        const before = delivered;
        for await (const message of messages) {
          delivered = message.info.deliverySequence;
          yield deliveryOf(message);
        }
        if (delivered > before || performance.now() < askedAt + REACHED_EVERY_MS) return;
        askedAt = performance.now();
        const info = await consumer.info();
        if (info.delivered.consumer_seq === delivered) reached(info.delivered.stream_seq);
      },
      close: () => void messages.close(),
    };
  };
}

function deliveryOf({ info, data }: JsMsg): Delivery {
  return { seq: info.streamSequence, delivery: info.deliverySequence, data };
}

/** How much earlier than a time reading begins: the servers that stamp decisions and store events may differ by as much. */
const MARGIN_MS = 10_000;

/** Events of packs that were stored from then on; which of them happened late enough, their own times say. */
export function sinceOf(start: EventStart): number | undefined {
  if (start === 'all') return 0;
  return typeof start === 'object' && 'since' in start ? Math.max(0, start.since - MARGIN_MS) : undefined;
}

/** The place of the first event, where the start is one. */
export function placeIn(start: EventStart, index: number): EventPlace | undefined {
  if (typeof start !== 'object' || !('after' in start)) return undefined;
  return parsePositions(start.after)?.[index];
}
