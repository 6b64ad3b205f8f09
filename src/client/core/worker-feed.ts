/**
 * Events as a worker lets them be delivered (query `feed`): straight from the stream to a place where only we may
 * listen. The server tells the pace (flow control) and that it is still there (heartbeats).
 */

import { type Msg, type NatsConnection, nuid, type Subscription } from 'nats';
import { FEED_CLOSED } from '../../bus/event-feeds.ts';
import { permissionDenied } from '../../bus/permission-denied.ts';
import type { QueryClient } from '../../bus/query-client.ts';
import { ConfigurationError, LogInterruptedError, QueryError } from '../../lib/errors.ts';
import { Signal } from '../../lib/signal.ts';
import { every, type Timer } from '../../lib/timers.ts';
import { defined } from '../../protocol/defined.ts';
import { formatPosition } from '../../protocol/positions.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { otherProtocol, PROTOCOL } from '../../protocol/version.ts';
import { type Delivery, type DeliveryBatch, type EventSource, type From, sinceOf } from './event-source.ts';

export interface WorkerFeedOptions {
  readonly connection: NatsConnection;
  readonly subjects: Subjects;
  readonly queries: QueryClient;
  /** Under which name the queries are asked. */
  readonly asker: string;
  readonly pool: string | undefined;
  /** Which stream of the events, where every pool is read. */
  readonly index: number;
}

/** Three of the server's heartbeats. */
const SILENT_MS = 3_000;
const OPEN_WITHIN_MS = 5_000;
const STATUS = 100;

export function workerFeed({
  connection,
  subjects,
  queries,
  asker,
  pool,
  index,
}: WorkerFeedOptions): EventSource {
  return {
    async open({ place, start, reached, signal }) {
      const token = nuid.next();
      // First the ears: whatever is delivered to nobody is lost.
      const arrivals = new Arrivals(connection, subjects.feed(asker, token), reached);
      try {
        const inPool = pool === undefined ? { stream: index } : { pool };
        const query = { token, ...inPool, ...beginning(place, start) };
        const opened = await queries.ask('feed', query, { timeoutMs: OPEN_WITHIN_MS, signal });
        if (opened.protocol !== PROTOCOL)
          throw new ConfigurationError(otherProtocol('the system', opened.protocol));
        arrivals.expectHeartbeats();
        return { ...opened, next: async () => arrivals, discard: () => arrivals.close() };
      } catch (error) {
        arrivals.close();
        throw error;
      }
    },
  };
}

function beginning(
  place: From['place'],
  start: From['start'],
): { readonly after?: string; readonly since?: number } {
  return place === undefined ? defined({ since: sinceOf(start) }) : { after: formatPosition(place) };
}

/** Messages that arrived and were not taken yet: bounded, because the server waits for a reply now and then. */
class Arrivals implements DeliveryBatch {
  readonly #connection: NatsConnection;
  readonly #subscription: Subscription;
  readonly #reached: From['reached'];
  #messages: Msg[] = [];
  readonly #changed = new Signal();
  #heardAt = performance.now();
  #watch: Timer | undefined;
  #isClosed = false;
  #failure: Error | undefined;

  constructor(connection: NatsConnection, subject: string, reached: From['reached']) {
    this.#connection = connection;
    this.#reached = reached;
    this.#subscription = connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return this.#fail(permissionDenied(error) ?? error);
        this.#heardAt = performance.now();
        this.#messages.push(message);
        this.#changed.notifyWaiters();
      },
    });
  }

  expectHeartbeats(): void {
    if (this.#isClosed) return;
    this.#heardAt = performance.now();
    this.#watch = every(SILENT_MS / 3, () => {
      if (performance.now() - this.#heardAt > SILENT_MS)
        this.#fail(new LogInterruptedError('the feed sent no heartbeat'));
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Delivery, void, undefined> {
    let delivered = 0;
    while (!this.#isClosed) {
      const taken = this.#messages;
      this.#messages = [];
      for (const message of taken) {
        if (message.headers?.code === STATUS) {
          this.#answer(message, delivered);
          continue;
        }
        const closed = message.headers?.get(FEED_CLOSED);
        if (closed !== undefined && closed !== '') throw new QueryError('rate_limited', closed);
        const delivery = deliveryOf(message);
        if (delivery === undefined) continue;
        delivered = delivery.delivery;
        yield delivery;
        if (this.#isClosed) return;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#messages.length === 0 && !this.#isClosed) await this.#changed.next();
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watch?.cancel();
    if (!this.#connection.isClosed()) this.#subscription.unsubscribe();
    this.#changed.notifyWaiters();
  }

  /** Flow control: everything before it is taken. A heartbeat says how much was delivered, and whether it waits for us. */
  #answer(status: Msg, delivered: number): void {
    if (status.reply !== undefined && status.reply !== '') {
      this.#connection.publish(status.reply);
      return;
    }
    const stalled = status.headers?.get('Nats-Consumer-Stalled');
    if (stalled !== undefined && stalled !== '') this.#connection.publish(stalled);
    const last = Number(status.headers?.get('Nats-Last-Consumer'));
    if (Number.isSafeInteger(last) && last > delivered)
      this.#fail(new LogInterruptedError(`delivery ${last} did not arrive`));
    const position = Number(status.headers?.get('Nats-Last-Stream'));
    if (last === delivered && Number.isSafeInteger(position)) this.#reached(position);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#changed.notifyWaiters();
  }
}

/**
 * The server numbers what it delivers in the reply subject: `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.
 * <deliveries>.<stream sequence>.<consumer sequence>.<time>.<pending>[.<random>]`. Undefined for anything else.
 */
function deliveryOf({ reply = '', data }: Msg): Delivery | undefined {
  const tokens = reply.split('.');
  if (!reply.startsWith('$JS.ACK.') || tokens.length < 9) return undefined;
  const first = tokens.length >= 11 ? 4 : 2;
  const [seq, delivery] = [Number(tokens[first + 3]), Number(tokens[first + 4])];
  return Number.isSafeInteger(seq) && Number.isSafeInteger(delivery) ? { seq, delivery, data } : undefined;
}
