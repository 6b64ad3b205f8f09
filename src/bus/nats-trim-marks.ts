/** Trim marks in JetStream: a stream of its own, one message for each shard. */
import { JetStreamApiError, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import type { Subjects } from '../protocol/subjects.ts';
import { decodeMark, encodeMark, type HeldMark, type TrimMark, type TrimMarks } from './trim-marks.ts';
import { messageOfStream } from './whole-stream.ts';

const NO_MESSAGE = 10037;
const NO_STREAM = 10059;
const WRONG_LAST_SEQUENCE = 10071;
const CONFIRMED_WITHIN_MS = 5_000;

export class NatsTrimMarks implements TrimMarks {
  readonly #jsm: JetStreamManager;
  readonly #subjects: Subjects;
  #client: JetStreamClient | undefined;

  constructor(jsm: JetStreamManager, subjects: Subjects) {
    this.#jsm = jsm;
    this.#subjects = subjects;
  }

  /** By the API of the stream, which its leader answers; without the stream there is no mark. */
  async read(shard: number): Promise<HeldMark> {
    const query = { last_by_subj: this.#subjects.trimMark(shard) };
    try {
      const found = await messageOfStream(this.#jsm, this.#subjects.streams.marks, query);
      if (found === null) return { mark: undefined, revision: 0 };
      return { mark: decodeMark(found.string()), revision: found.seq };
    } catch (error) {
      if (isCode(error, NO_MESSAGE) || isCode(error, NO_STREAM)) return { mark: undefined, revision: 0 };
      throw error;
    }
  }

  async write(shard: number, mark: TrimMark, revision: number): Promise<boolean> {
    this.#client ??= this.#jsm.jetstream();
    try {
      await this.#client.publish(this.#subjects.trimMark(shard), encodeMark(mark), {
        expect: { lastSubjectSequence: revision },
        timeout: CONFIRMED_WITHIN_MS,
        retries: 1,
      });
      return true;
    } catch (error) {
      if (isCode(error, WRONG_LAST_SEQUENCE)) return false;
      throw error;
    }
  }
}

function isCode(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}
