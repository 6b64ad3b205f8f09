/**
 * Reads one shard's log in order from a position, with a consumer that needs no acknowledgements. At every start the
 * log is compared with what was applied; at the slightest doubt about what was delivered (a gap, a missed heartbeat,
 * a reconnect) reading is interrupted, so that the next start compares again. Servers silently clamp a start sequence
 * that is out of range: without the comparison a log that was rolled back would be skipped, not noticed.
 */
import { createHash } from 'node:crypto';
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
} from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { LogDivergedError, LogInterruptedError, messageOf } from '../errors.ts';

/** A message as the log holds it. */
export interface LogMessage {
  readonly seq: number;
  /** When the log took it: milliseconds since the epoch. */
  readonly at: number;
  readonly subject: string;
  readonly data: Uint8Array;
}

/** How far a shard has been applied, and to which log that refers. */
export interface LogPosition {
  readonly seq: number;
  readonly logIdentity: string;
  /** {@link messageHash} of the message at `seq`; undefined at the start of the log. */
  readonly hash: string | undefined;
}

export interface LogSource {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly stream: string;
  readonly filter: string;
}

/** Messages held for the worker: enough to fill its next batch while it commits one. */
const BUFFER = 1_024;
const CONSUME = { max_messages: BUFFER, expires: 2_000, idle_heartbeat: 500 } as const;
const CONSUMER_LIFETIME_NANOS = 30_000_000_000;

export function messageHash(subject: string, data: Uint8Array): string {
  return createHash('sha256').update(subject).update('\0').update(data).digest('base64url').slice(0, 22);
}

/** Throws {@link LogDivergedError} when the log does not continue what was applied. */
export async function verifyLog({ jsm, stream }: LogSource, position: LogPosition): Promise<void> {
  const info = await jsm.streams.info(stream);
  if (info.created !== position.logIdentity) {
    throw new LogDivergedError(
      `the log was created ${info.created}, the state comes from one created ${position.logIdentity}`,
    );
  }
  if (position.seq === 0) {
    if (info.state.first_seq > 1) {
      throw new LogDivergedError(`nothing is applied, but the log begins at ${info.state.first_seq}`);
    }
    return;
  }
  if (info.state.last_seq < position.seq) {
    throw new LogDivergedError(
      `the log ends at ${info.state.last_seq}, but ${position.seq} is applied already`,
    );
  }
  const message = await readMessage(jsm, stream, position.seq);
  if (message === undefined) throw new LogDivergedError(`the log no longer holds message ${position.seq}`);
  if (messageHash(message.subject, message.data) !== position.hash) {
    throw new LogDivergedError(`message ${position.seq} is not the one that was applied`);
  }
}

/** One message of the log; undefined where it holds none. */
export async function readMessage(
  jsm: JetStreamManager,
  stream: string,
  seq: number,
): Promise<LogMessage | undefined> {
  try {
    const message = await jsm.streams.getMessage(stream, { seq });
    if (message === null) return undefined;
    return { seq, at: message.time.getTime(), subject: message.subject, data: message.data };
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === NO_MESSAGE) return undefined;
    throw error;
  }
}

const NO_MESSAGE = 10037;

export class LogReader {
  readonly #messages: ConsumerMessages;
  readonly #consumer: Consumer;
  readonly #buffer: LogMessage[] = [];
  #delivered = 0;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #drained: (() => void) | undefined;

  private constructor(consumer: Consumer, messages: ConsumerMessages) {
    this.#consumer = consumer;
    this.#messages = messages;
    void this.#pump();
    void this.#watchConsumer();
  }

  /** Verifies the log and reads on from the position. */
  static async open(source: LogSource, position: LogPosition): Promise<LogReader> {
    try {
      await verifyLog(source, position);
      const { consumer, messages } = await consume(source, position.seq);
      return new LogReader(consumer, messages);
    } catch (error) {
      if (error instanceof LogDivergedError) throw error;
      throw new LogInterruptedError(`cannot read the log: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Waits for messages and gives up to `max` of them; none when `waitMs` is over. Throws when reading is interrupted. */
  async take(max: number, waitMs: number): Promise<LogMessage[]> {
    if (this.#buffer.length === 0 && this.#failure === undefined) await this.#something(waitMs);
    if (this.#buffer.length === 0 && this.#failure !== undefined) throw this.#failure;
    const taken = this.#buffer.splice(0, max);
    if (this.#buffer.length < BUFFER) this.#drained?.();
    return taken;
  }

  /** Ends a wait of {@link take} at once, with nothing. */
  nudge(): void {
    this.#wake?.();
  }

  /** What was delivered before is still given out; then {@link take} throws. */
  interrupt(why: string): void {
    if (this.#failure !== undefined) return;
    this.#failure = new LogInterruptedError(why);
    this.#wake?.();
    this.#drained?.();
    void this.#messages.close().catch(() => undefined);
  }

  /** Does not wait for the server, which may be gone: a consumer that nobody asks lapses there by itself. */
  close(): void {
    this.interrupt('closed');
    void this.#consumer.delete().catch(() => false);
  }

  async #pump(): Promise<void> {
    try {
      for await (const message of this.#messages) {
        if (this.#failure !== undefined) return;
        if (!this.#accept(message)) return;
        if (this.#buffer.length >= BUFFER) await this.#room();
      }
      this.interrupt('the consumer ended');
    } catch (error) {
      this.interrupt(messageOf(error));
    }
  }

  /** The server numbers its deliveries: a number left out is a message that was lost on the way. */
  #accept(message: JsMsg): boolean {
    const { deliverySequence, streamSequence, timestampNanos } = message.info;
    if (deliverySequence !== this.#delivered + 1) {
      this.interrupt(`delivery ${deliverySequence} came after ${this.#delivered}`);
      return false;
    }
    this.#delivered = deliverySequence;
    const at = Math.floor(timestampNanos / 1_000_000);
    this.#buffer.push({ seq: streamSequence, at, subject: message.subject, data: message.data });
    this.#wake?.();
    return true;
  }

  async #watchConsumer(): Promise<void> {
    try {
      for await (const { type } of this.#messages.status()) {
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

  #something(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, waitMs);
      const self = this;
      function done(): void {
        clearTimeout(timer);
        self.#wake = undefined;
        resolve();
      }
      this.#wake = done;
    });
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = () => {
        this.#drained = undefined;
        resolve();
      };
    });
  }
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
