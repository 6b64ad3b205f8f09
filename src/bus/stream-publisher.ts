/**
 * Publishes into a stream by core publishes whose acknowledgements are counted on one inbox: a promise and a timer
 * for every message would cost more than the message. The number under way is bounded.
 */
import { headers, type Msg, type NatsConnection, type Subscription } from 'nats';
import { messageOf, PublishError } from '../lib/errors.ts';
import { after } from '../lib/timers.ts';
import { newInbox } from './connection.ts';
import { watchConnection } from './watch-connection.ts';

export interface StreamMessage {
  readonly subject: string;
  readonly payload: string | Uint8Array;
  /** `Nats-Msg-Id`: sent again with the same id, a message is stored once. Decisions have none: their state knows them. */
  readonly id?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Batch {
  left: number;
  fault: string | undefined;
  readonly done: (fault: string | undefined) => void;
}

const ACK_TIMEOUT_MS = 5_000;

export class StreamPublisher {
  readonly #connection: NatsConnection;
  readonly #inbox: string;
  readonly #acks: Subscription;
  readonly #batches = new Map<string, Batch>();
  readonly #unwatch: () => void;
  #next = 0;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.#inbox = newInbox(connection);
    this.#acks = connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, ack) => this.#onAck(error, ack),
    });
    // Acknowledgements that were under way went with the old connection: waiting for them would be idle.
    this.#unwatch = watchConnection(connection, {
      reconnected: () => this.#failAll('the connection was lost'),
    });
  }

  /**
   * Publishes the messages in order and resolves when the stream holds all of them. Rejects with a
   * {@link PublishError} when one was refused or not confirmed in time; publishing all of them again is harmless.
   */
  async publish(messages: readonly StreamMessage[]): Promise<void> {
    if (messages.length === 0) return;
    const token = String(this.#next++);
    const fault = await this.#await(token, messages.length, () => {
      for (const message of messages) {
        this.#connection.publish(message.subject, bytesOf(message.payload), {
          reply: `${this.#inbox}.${token}`,
          headers: headersOf(message),
        });
      }
    });
    if (fault !== undefined) throw new PublishError(`the stream did not accept a message: ${fault}`);
  }

  close(): void {
    this.#unwatch();
    this.#acks.unsubscribe();
    this.#failAll('closed');
  }

  #failAll(fault: string): void {
    for (const batch of [...this.#batches.values()]) batch.done(fault);
  }

  #await(token: string, count: number, send: () => void): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timer = after(ACK_TIMEOUT_MS, () => done(`no acknowledgement within ${ACK_TIMEOUT_MS} ms`));
      const done = (fault: string | undefined): void => {
        timer.cancel();
        this.#batches.delete(token);
        resolve(fault);
      };
      this.#batches.set(token, { left: count, fault: undefined, done });
      try {
        send();
      } catch (error) {
        done(messageOf(error));
      }
    });
  }

  #onAck(error: Error | null, ack: Msg): void {
    if (error !== null) return;
    const batch = this.#batches.get(ack.subject.slice(this.#inbox.length + 1));
    if (batch === undefined) return;
    batch.fault ??= faultOf(ack);
    batch.left--;
    if (batch.left === 0 || batch.fault !== undefined) batch.done(batch.fault);
  }
}

/** Publishing copies the headers at once, so that one object can serve every message that has only an id. */
const idOnly = headers();

function headersOf(message: StreamMessage): ReturnType<typeof headers> {
  const all = message.headers === undefined && message.id !== undefined ? idOnly : headers();
  if (message.id !== undefined) all.set('Nats-Msg-Id', message.id);
  for (const [name, value] of Object.entries(message.headers ?? {})) all.set(name, value);
  return all;
}

/** Several times faster than the library's own encoder, and it is done for every event. */
function bytesOf(payload: string | Uint8Array): Uint8Array {
  return typeof payload === 'string' ? Buffer.from(payload) : payload;
}

/** Nobody listening answers with status 503 and no body; a stream answers with JSON that has `error` when it refuses. */
function faultOf(ack: Msg): string | undefined {
  if (ack.headers?.code === 503) return 'no stream listens on the subject';
  const text = ack.string();
  return text.includes('"error"') ? text.slice(0, 300) : undefined;
}
