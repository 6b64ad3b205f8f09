/** A shard's log in memory, read through a link. Verifying it and counting deliveries is the real reader's own code. */
import { Deliveries } from '../../../src/bus/deliveries.ts';
import type { LogMessage, LogPosition } from '../../../src/bus/log-message.ts';
import type { TrimMarks } from '../../../src/bus/trim-marks.ts';
import { type VerifiableLog, verifyLog } from '../../../src/bus/verify-log.ts';
import { LogDivergedError, LogInterruptedError, messageOf } from '../../../src/lib/errors.ts';
import { greatest } from '../../../src/protocol/lists.ts';
import { CLOCK_POOL, OPERATOR } from '../../../src/protocol/names.ts';
import type { ShardLog, ShardLogReader } from '../../../src/workers/shard/ports.ts';
import type { Link } from './link.ts';
import type { Consumer, MemoryStream, StreamVersion } from './stream.ts';

const BUFFER = 1_024;

/** What says how much of a log was trimmed. */
export interface TrimmedLog {
  readonly shard: number;
  readonly shards: number;
  readonly marks: TrimMarks;
}

export class MemoryShardLog implements ShardLog {
  readonly #link: Link;
  readonly #stream: MemoryStream;
  readonly #prefix: string;
  readonly #trimmed: TrimmedLog | undefined;
  #version: StreamVersion = [];
  #missed: ReadonlySet<number> = new Set();

  /** Messages whose subject begins with `prefix` are the shard's. */
  constructor(link: Link, stream: MemoryStream, prefix: string, trimmed?: TrimmedLog) {
    this.#link = link;
    this.#stream = stream;
    this.#prefix = prefix;
    this.#trimmed = trimmed;
  }

  /** What had been trimmed behind the place where the latest reader began: it was never given that. */
  get missed(): ReadonlySet<number> {
    return this.#missed;
  }

  /** What the latest reader reads, whatever has become of the stream since. */
  get version(): StreamVersion {
    return this.#version;
  }

  async open(position: LogPosition): Promise<ShardLogReader> {
    try {
      return await this.#open(position);
    } catch (error) {
      if (error instanceof LogDivergedError) throw error;
      throw new LogInterruptedError(`cannot read the log: ${messageOf(error)}`, { cause: error });
    }
  }

  async #open(position: LogPosition): Promise<ShardLogReader> {
    const reader = new MemoryLogReader(this.#link);
    let version: StreamVersion = [];
    let missed: ReadonlySet<number> = new Set();
    try {
      await this.#link.request('log', () => {
        version = this.#stream.version;
        missed = this.#stream.purgedBehind(this.#prefix, position.seq);
        reader.consumer = this.#stream.consume(this.#prefix, position.seq + 1, (message) =>
          reader.deliver(message),
        );
      });
      await verifyLog(this.verifiable(), position);
      this.#version = version;
      this.#missed = missed;
      return reader;
    } catch (error) {
      reader.close();
      throw error;
    }
  }

  /** The log as it is verified: with the marks, where it is trimmed. */
  verifiable(): VerifiableLog {
    const bounds = () => this.#link.request('log', () => this.#stream.bounds());
    const read = (seq: number) => this.read(seq);
    if (this.#trimmed === undefined) return { bounds, read };
    const { shard, shards, marks } = this.#trimmed;
    return {
      read,
      async bounds() {
        const [of, { mark }] = await Promise.all([bounds(), marks.read(shard)]);
        return { ...of, trim: { shard, mark } };
      },
      async trimmedBelow() {
        const held = await Promise.all(Array.from({ length: shards }, (_, other) => marks.read(other)));
        return greatest([1, ...held.map(({ mark }) => mark?.below ?? 1)]) ?? 1;
      },
    };
  }

  read(seq: number): Promise<LogMessage | undefined> {
    return this.#link.request('log', () => this.#stream.read(seq));
  }

  clocks(after: number): Promise<readonly LogMessage[]> {
    return this.#link.request('log', () =>
      this.#stream.version.filter(
        ({ seq, subject }) =>
          seq > after &&
          subject === `${this.#prefix}${CLOCK_POOL}.${OPERATOR}` &&
          this.#stream.read(seq) !== undefined,
      ),
    );
  }

  identity(): Promise<string> {
    return this.#link.request('log', () => this.#stream.bounds().identity);
  }
}

class MemoryLogReader implements ShardLogReader {
  readonly #link: Link;
  readonly #deliveries: Deliveries;
  #isClosed = false;
  #consumer: Consumer | undefined;
  #sent = 0;

  constructor(link: Link) {
    this.#link = link;
    this.#deliveries = new Deliveries(BUFFER, () => this.#end(), link.alarm);
  }

  /** A request whose answer was lost may make a consumer that nobody waits for any more. */
  set consumer(consumer: Consumer) {
    if (this.#isClosed) consumer.stop();
    else this.#consumer = consumer;
  }

  deliver(message: LogMessage): void {
    const number = ++this.#sent;
    this.#link.push(() => void this.#deliveries.accept({ number, message }));
  }

  take(max: number, waitMs: number): Promise<LogMessage[]> {
    return this.#deliveries.take(max, waitMs);
  }

  nudge(): void {
    this.#deliveries.nudge();
  }

  interrupt(why: string): void {
    this.#deliveries.interrupt(why);
  }

  close(): void {
    this.#deliveries.interrupt('closed');
  }

  #end(): void {
    this.#isClosed = true;
    this.#consumer?.stop();
  }
}
