/**
 * A stream as JetStream keeps it: numbered messages in one order, repeats of an id recognised within a window, consumers
 * that are sent what is stored from a number on. It can lose its tail, be made anew, or be trimmed at its front.
 */
import type { LogMessage } from '../../../src/bus/log-message.ts';
import type { LogBounds } from '../../../src/bus/verify-log.ts';

/** The messages of a stream as they were at one time and went on from there: what is lost begins another version. */
export type StreamVersion = readonly LogMessage[];

export interface StreamOptions {
  /** The server's clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly dedupeWindowMs: number;
  /**
   * Whether a consumer that starts beyond the end is sent whatever comes next, as by server 2.9, or waits until the
   * stream is that long, as by 2.11.
   */
  readonly clampsStart: boolean;
  /** Told of everything that is stored, with its id if it has one. */
  readonly onStored?: (message: LogMessage, id: string | undefined) => void;
}

export interface Consumer {
  readonly stop: () => void;
}

interface Subscription {
  readonly prefix: string;
  next: number;
  readonly deliver: (message: LogMessage) => void;
}

export class StreamFullError extends Error {}

export class MemoryStream {
  readonly #options: StreamOptions;
  #messages: LogMessage[] = [];
  #ids = new Map<string, { readonly seq: number; readonly at: number }>();
  #consumers = new Set<Subscription>();
  #lives = 0;
  #identity = '';
  /** Positions of what was removed from the front of one prefix or another. */
  #purged = new Set<number>();
  #first = 1;
  /** Refuses everything new. */
  isFull = false;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.recreate();
  }

  /** All that was ever stored, whether or not it was removed since: what the stream holds itself, it says when it is asked. */
  get version(): StreamVersion {
    return this.#messages;
  }

  get lastSeq(): number {
    return this.#messages.length;
  }

  bounds(): LogBounds {
    const firstSeq = this.#messages.length === 0 ? 0 : this.#first;
    return { identity: this.#identity, firstSeq, lastSeq: this.lastSeq };
  }

  read(seq: number): LogMessage | undefined {
    return this.#purged.has(seq) ? undefined : this.#messages[seq - 1];
  }

  publish(
    subject: string,
    data: Uint8Array,
    id?: string,
  ): { readonly seq: number; readonly duplicate: boolean } {
    const at = this.#options.now();
    const known = id === undefined ? undefined : this.#ids.get(id);
    if (known !== undefined && at - known.at < this.#options.dedupeWindowMs) {
      return { seq: known.seq, duplicate: true };
    }
    if (this.isFull) throw new StreamFullError('maximum bytes exceeded');
    const message: LogMessage = { seq: this.lastSeq + 1, at, subject, data };
    this.#messages.push(message);
    if (id !== undefined) this.#ids.set(id, { seq: message.seq, at });
    this.#options.onStored?.(message, id);
    for (const consumer of this.#consumers) offer(consumer, message);
    return { seq: message.seq, duplicate: false };
  }

  /** Sends what begins with `prefix`, from `start` on. */
  consume(prefix: string, start: number, deliver: (message: LogMessage) => void): Consumer {
    const next = this.#options.clampsStart ? Math.min(start, this.lastSeq + 1) : start;
    const consumer = { prefix, next, deliver };
    this.#consumers.add(consumer);
    for (let seq = next; seq <= this.lastSeq; seq++) {
      const message = this.read(seq);
      if (message !== undefined) offer(consumer, message);
    }
    return { stop: () => this.#consumers.delete(consumer) };
  }

  /** Removes what begins with `prefix` and stands below a position; answers how much. */
  purge(prefix: string, below: number): number {
    const before = this.#purged.size;
    for (const { seq, subject } of this.#messages.slice(0, Math.max(0, below - 1))) {
      if (subject.startsWith(prefix)) this.#purged.add(seq);
    }
    while (this.#purged.has(this.#first)) this.#first++;
    return this.#purged.size - before;
  }

  /** What was removed of a prefix behind a position. */
  purgedBehind(prefix: string, position: number): ReadonlySet<number> {
    const gone = [...this.#purged].filter(
      (seq) => seq > position && this.#messages[seq - 1]?.subject.startsWith(prefix) === true,
    );
    return new Set(gone);
  }

  deleteConsumers(): void {
    this.#consumers = new Set();
  }

  /** Loses what came after `seq`, as a server does that had not written it to disk. */
  rollBack(seq: number): void {
    this.deleteConsumers();
    this.#messages = this.#messages.slice(0, seq);
    this.#purged = new Set([...this.#purged].filter((purged) => purged <= seq));
    this.#first = Math.min(this.#first, seq + 1);
    for (const [id, known] of this.#ids) if (known.seq > seq) this.#ids.delete(id);
  }

  /** Somebody deleted the stream, and somebody made it again. */
  recreate(): void {
    this.deleteConsumers();
    this.#messages = [];
    this.#purged = new Set();
    this.#first = 1;
    this.#ids = new Map();
    this.#identity = `stream ${this.#lives++}`;
  }
}

function offer(consumer: Subscription, message: LogMessage): void {
  if (message.seq < consumer.next || !message.subject.startsWith(consumer.prefix)) return;
  consumer.next = message.seq + 1;
  consumer.deliver(message);
}
