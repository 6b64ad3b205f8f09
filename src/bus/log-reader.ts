/**
 * Reads one shard's log in order from a position, with a consumer that needs no acknowledgements. At every start the
 * log is compared with the applied position; at the slightest doubt about deliveries (a gap, a missed heartbeat,
 * a reconnect) reading is interrupted, so that the next start compares again. Servers silently clamp a start sequence
 * that is out of range: without the comparison a log that was rolled back would be skipped, not noticed.
 */

import {
  AckPolicy,
  type Consumer,
  type ConsumerMessages,
  DeliverPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  type MsgRequest,
  type StreamInfo,
} from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { LogDivergedError, LogInterruptedError, messageOf } from '../lib/errors.ts';
import { every, type Timer } from '../lib/timers.ts';
import { greatest } from '../protocol/lists.ts';
import { Deliveries, type Delivery } from './deliveries.ts';
import { logIdentityOf, logStreamOf, shardsIn } from './layout.ts';
import type { LogMessage, LogPosition } from './log-message.ts';
import { forEachShard } from './log-origin.ts';
import type { TrimMarks } from './trim-marks.ts';
import { type LogBounds, type VerifiableLog, verifyLog } from './verify-log.ts';
import { messageOfStream } from './whole-stream.ts';

export { type LogMessage, type LogPosition, messageHash } from './log-message.ts';

export interface LogSource {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly stream: string;
  readonly filter: string;
  readonly shard: number;
  /** Undefined where the log is never trimmed. */
  readonly marks: TrimMarks | undefined;
}

/** Messages buffered for the worker, if they are not too large: enough to fill its next batch while it commits one. */
const BUFFER = 1_024;
/**
 * Messages requested at once, beyond the buffered ones. Not limited in bytes: the server refuses a request with fewer bytes
 * left than the next message has, and that looks like a silent server.
 */
const ASKED = 256;
/**
 * A broken connection is noticed as such; heartbeats reveal a server that is connected but silent, which the client notices
 * after two of them. A shorter interval would make heartbeats most of the traffic of an idle worker.
 */
const CONSUME = { max_messages: ASKED, expires: 5_000, idle_heartbeat: 1_000 } as const;
/**
 * The client measures missed heartbeats by the wall clock: after a clock was set back it would wait for the whole step.
 * So silence is counted here as well, in checks, which a blocked event loop does not make.
 */
const LOOK_MS = 500;
const MOST_SILENT_LOOKS = 5;
const CONSUMER_LIFETIME_NANOS = 30_000_000_000;

export function verifiable({
  jsm,
  stream,
  shard,
  marks,
}: Pick<LogSource, 'jsm' | 'stream' | 'shard' | 'marks'>): VerifiableLog {
  const read = (seq: number) => readMessage(jsm, stream, seq);
  const boundsOf = (info: StreamInfo): LogBounds => {
    const { first_seq: firstSeq, last_seq: lastSeq } = info.state;
    return { identity: logIdentityOf(info), firstSeq, lastSeq };
  };
  if (marks === undefined) return { read, bounds: async () => boundsOf(await jsm.streams.info(stream)) };
  return {
    read,
    async bounds() {
      const [info, { mark }] = await Promise.all([jsm.streams.info(stream), marks.read(shard)]);
      return { ...boundsOf(info), trim: { shard, mark } };
    },
    async trimmedBelow() {
      const points = [1];
      const { index, streams, shards } = logStreamOf(await jsm.streams.info(stream));
      await forEachShard(shardsIn(index, streams, shards), async (other) => {
        const { mark } = await marks.read(other);
        if (mark !== undefined) points.push(mark.below);
      });
      return greatest(points) ?? 0;
    },
  };
}

/** One message of the log; undefined where it holds none. */
export async function readMessage(
  jsm: JetStreamManager,
  stream: string,
  seq: number,
): Promise<LogMessage | undefined> {
  return await messageFor(jsm, stream, { seq });
}

/** The last message on a subject; undefined where there is none. */
export async function lastMessage(
  jsm: JetStreamManager,
  stream: string,
  subject: string,
): Promise<LogMessage | undefined> {
  return await messageFor(jsm, stream, { last_by_subj: subject });
}

/** The first message on a subject from a position on. */
export async function nextMessage(
  jsm: JetStreamManager,
  stream: string,
  subject: string,
  from: number,
): Promise<LogMessage | undefined> {
  // The server has known `next_by_subj` since 2.9; the type of the library does not.
  const query: MsgRequest & { readonly next_by_subj: string } = { seq: from, next_by_subj: subject };
  return await messageFor(jsm, stream, query);
}

async function messageFor(
  jsm: JetStreamManager,
  stream: string,
  query: MsgRequest,
): Promise<LogMessage | undefined> {
  try {
    const message = await messageOfStream(jsm, stream, query);
    if (message === null) return undefined;
    const { seq, time, subject, data } = message;
    return { seq, at: time.getTime(), subject, data };
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === NO_MESSAGE) return undefined;
    throw error;
  }
}

const NO_MESSAGE = 10037;

export class LogReader {
  /** All active readers share one timer: waking up is most of the work of an idle worker. */
  static readonly #all = new Set<LogReader>();
  static #looks: Timer | undefined;

  readonly #messages: ConsumerMessages;
  readonly #consumer: Consumer;
  readonly #deliveries: Deliveries;
  #silentLooks = 0;

  private constructor(consumer: Consumer, messages: ConsumerMessages) {
    this.#consumer = consumer;
    this.#messages = messages;
    this.#deliveries = new Deliveries(BUFFER, () => {
      this.#leave();
      void messages.close().catch(() => undefined);
    });
    this.#join();
    void this.#pump();
    void this.#watchConsumer();
  }

  /** Verifies the log and reads on from the position. */
  static async open(source: LogSource, position: LogPosition): Promise<LogReader> {
    let reader: LogReader | undefined;
    try {
      // The consumer comes first: it ends with its stream, so its deliveries belong to the log that is compared.
      const { consumer, messages } = await consume(source, position.seq);
      reader = new LogReader(consumer, messages);
      await verifyLog(verifiable(source), position);
      return reader;
    } catch (error) {
      reader?.close();
      if (error instanceof LogDivergedError) throw error;
      throw new LogInterruptedError(`cannot read the log: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Waits for messages and returns up to `max` of them; none after `waitMs`. Throws when reading is interrupted. */
  take(max: number, waitMs: number): Promise<LogMessage[]> {
    return this.#deliveries.take(max, waitMs);
  }

  /** Ends a wait of {@link take} at once, with nothing. */
  nudge(): void {
    this.#deliveries.nudge();
  }

  /** Earlier deliveries are still returned; after them {@link take} throws. */
  interrupt(why: string): void {
    this.#deliveries.interrupt(why);
  }

  /** Does not wait for the server, which may be gone: an unused consumer lapses there by itself. */
  close(): void {
    this.interrupt('closed');
    void this.#consumer.delete().catch(() => false);
  }

  async #pump(): Promise<void> {
    try {
      for await (const message of this.#messages) {
        this.#silentLooks = 0;
        if (!this.#deliveries.accept(deliveryOf(message))) return;
        if (this.#deliveries.isFull) await this.#deliveries.room();
      }
      this.interrupt('the consumer ended');
    } catch (error) {
      this.interrupt(messageOf(error));
    }
  }

  #join(): void {
    LogReader.#all.add(this);
    LogReader.#looks ??= every(LOOK_MS, () => {
      for (const reader of LogReader.#all) reader.#look();
    });
  }

  #leave(): void {
    LogReader.#all.delete(this);
    if (LogReader.#all.size > 0) return;
    LogReader.#looks?.cancel();
    LogReader.#looks = undefined;
  }

  /** While the buffer is full nothing is requested, and the server owes no heartbeat. */
  #look(): void {
    this.#silentLooks = this.#deliveries.isFull ? 0 : this.#silentLooks + 1;
    if (this.#silentLooks > MOST_SILENT_LOOKS) this.interrupt('the server sent no heartbeat');
  }

  async #watchConsumer(): Promise<void> {
    try {
      for await (const { type } of this.#messages.status()) {
        this.#silentLooks = 0;
        switch (type) {
          case 'heartbeats_missed':
          case 'consumer_deleted':
          case 'consumer_not_found':
          case 'stream_not_found':
          case 'no_responders':
          case 'exceeded_limits':
            this.interrupt(type);
            return;
        }
      }
    } catch (error) {
      this.interrupt(messageOf(error));
    }
  }
}

function deliveryOf(delivered: JsMsg): Delivery {
  const { info, subject, data } = delivered;
  const { deliverySequence, streamSequence, timestampNanos } = info;
  const at = millisecondsOf(timestampNanos, () => delivered.timestampNanos);
  return { number: deliverySequence, message: { seq: streamSequence, at, subject, data } };
}

/** Nanoseconds since the epoch are rounded when they become a number: by less than this. */
const ROUNDING_NANOS = 256;
const NANOS_PER_MS = 1_000_000;

/** Cuts to milliseconds as the server does. The exact time costs more, and is needed close to a millisecond's border. */
export function millisecondsOf(nanos: number, exactly: () => bigint): number {
  const rest = nanos % NANOS_PER_MS;
  const isClear = rest > ROUNDING_NANOS && rest < NANOS_PER_MS - ROUNDING_NANOS;
  return isClear ? Math.floor(nanos / NANOS_PER_MS) : Number(exactly() / BigInt(NANOS_PER_MS));
}

async function consume(
  { connection, jsm, stream, filter }: LogSource,
  after: number,
): Promise<{ consumer: Consumer; messages: ConsumerMessages }> {
  const js: JetStreamClient = jetstream(connection);
  const info = await jsm.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: after + 1,
    filter_subject: filter,
    inactive_threshold: CONSUMER_LIFETIME_NANOS,
    mem_storage: true,
    num_replicas: 1,
  });
  const consumer = await js.consumers.get(stream, info.name);
  return { consumer, messages: await consumer.consume({ ...CONSUME, abort_on_missing_resource: true }) };
}
