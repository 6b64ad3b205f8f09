/** Notices that the trim mark of a shard is gone while its worker needs none: when it does, it is too late. */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { Logger } from 'pino';
import { NatsTrimMarks } from '../../bus/nats-trim-marks.ts';
import { findStream } from '../../bus/streams.ts';
import { MARK_MISSING } from '../../bus/trim-marks.ts';
import { subjectsOfStream } from '../../bus/whole-stream.ts';
import { messageOf } from '../../lib/errors.ts';
import { Periodic } from '../../lib/periodic.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { Alarms } from '../health/alarms.ts';
import { WITHOUT_MARK } from './loss.ts';

export interface MarkWatchOptions {
  readonly jsm: JetStreamManager;
  readonly subjects: Subjects;
  /** Shards of this worker at the moment. */
  readonly held: () => readonly number[];
  readonly alarms: Alarms;
  readonly logger: Logger;
}

const CHECK_MS = 5_000;

export class MarkWatch {
  readonly #options: MarkWatchOptions;
  readonly #checks: Periodic;

  constructor(options: MarkWatchOptions) {
    this.#options = options;
    this.#checks = new Periodic({
      everyMs: CHECK_MS,
      run: () => this.check(),
      onError: (error) =>
        options.logger.debug({ reason: messageOf(error) }, 'could not check the trim marks'),
    });
  }

  start(): void {
    this.#checks.start();
  }

  close(): void {
    void this.#checks.stop();
  }

  async check(): Promise<void> {
    const { jsm, subjects, held, alarms } = this.#options;
    const { marks: stream } = subjects.streams;
    const isGone = (await findStream(jsm, stream)) === undefined;
    const there = isGone ? new Map() : await subjectsOfStream(jsm, stream, subjects.allTrimMarks);
    const marks = new NatsTrimMarks(jsm, subjects);
    const missing = new Set(
      alarms.active.filter(({ alarm }) => alarm === MARK_MISSING).map(({ shard }) => shard),
    );
    for (const shard of held()) {
      const isThere = there.has(subjects.trimMark(shard));
      if (!isThere) alarms.raise(MARK_MISSING, shard, WITHOUT_MARK);
      // The stored value may be no mark: it must be read once to clear the alarm.
      else if (missing.has(shard) && (await marks.read(shard)).mark !== undefined) {
        alarms.clear(MARK_MISSING, shard);
      }
    }
  }
}
