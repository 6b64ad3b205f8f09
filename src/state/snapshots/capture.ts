/**
 * Copies a shard while it is being written, the way a running machine is moved: everything once, then what was touched
 * meanwhile, and again, until so little is left that it is read between two commits. The result is the state at
 * that one position, and the shard has waited only for the last step.
 */
import { SnapshotFailedError } from '../../lib/errors.ts';
import { SNAPSHOT_FORMAT, type SnapshotSummary } from '../../protocol/snapshots.ts';
import type { StoredPosition } from '../shard-store.ts';
import { encodeRecord, encodeSummary, type KeptRecord, REPLACEMENTS, type RecordId } from './records.ts';
import type { SnapshotEnd, SnapshotSource } from './source.ts';
import type { TrackedShardStore, Tracking } from './tracked-store.ts';

export interface CaptureOptions {
  readonly store: TrackedShardStore;
  readonly source: SnapshotSource;
  readonly namespace: string;
  readonly shard: number;
  readonly shards: number;
  /** The first message that what is owed quotes from the log; undefined when it quotes none. */
  readonly quotedFrom: (outbox: string) => number | undefined;
}

export interface Captured {
  readonly summary: SnapshotSummary;
  /** How long commits had to wait. */
  readonly pauseMs: number;
}

/** So little is read between two commits: some milliseconds. */
const FEW = 500;
const PIECE = 1_000;
/** Rounds after the first. A shard that is written faster than it is read waits a little longer in the end. */
const MAX_ROUNDS = 8;
const MOST_IN_THE_END = 20_000;

export class ShardCapture {
  readonly #options: CaptureOptions;
  #captured: Captured | undefined;

  constructor(options: CaptureOptions) {
    this.#options = options;
  }

  /** The captured state; known once all of the text was read. */
  get captured(): Captured {
    if (this.#captured === undefined) throw new SnapshotFailedError('the shard is not captured yet');
    return this.#captured;
  }

  /** The content, in pieces of text. */
  async *text(): AsyncGenerator<string> {
    const { store, source } = this.#options;
    const tracking = await store.track();
    try {
      const start = await store.position();
      const lines = new Lines();
      for await (const records of source.everything()) {
        tracking.check();
        yield lines.of(records);
      }
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const touched = tracking.take();
        if (touched.length > 0) yield lines.replacements();
        for (let i = 0; i < touched.length; i += PIECE) {
          yield lines.of(await source.records(touched.slice(i, i + PIECE)));
        }
        if (touched.length <= FEW) break;
      }
      const { end, position, pauseMs } = await lastStep(source, tracking, start);
      const last = lines.replacements() + lines.of(end.records) + lines.of(end.outbox);
      const summary = summaryOf(this.#options, end, position, lines.count);
      yield last + encodeSummary(summary);
      this.#captured = { summary, pauseMs };
    } finally {
      tracking.end();
    }
  }
}

class Lines {
  count = 0;

  replacements(): string {
    this.count++;
    return REPLACEMENTS;
  }

  of(records: readonly KeptRecord[]): string {
    this.count += records.length;
    return records.map(encodeRecord).join('');
  }
}

async function lastStep(
  source: SnapshotSource,
  tracking: Tracking,
  start: StoredPosition,
): Promise<{ end: SnapshotEnd; position: SnapshotSummary['position']; pauseMs: number }> {
  return await tracking.betweenCommits(async () => {
    const began = performance.now();
    const left: RecordId[] = tracking.take();
    if (left.length > MOST_IN_THE_END)
      throw new SnapshotFailedError('the shard is written faster than it can be read');
    const end = await source.end(left);
    tracking.check();
    return { end, position: positionOf(end, tracking.position ?? start), pauseMs: performance.now() - began };
  });
}

/** Someone else may have written: then what was read is of no one position. */
function positionOf({ before, after }: SnapshotEnd, expected: StoredPosition): SnapshotSummary['position'] {
  const { seq, hash, log } = before;
  if (seq === undefined || hash === undefined || log === undefined || Number(seq) <= 0) {
    throw new SnapshotFailedError('the shard holds nothing');
  }
  const isExpected = expected.seq === Number(seq) && expected.hash === hash;
  if (!isExpected || after.seq !== seq || after.hash !== hash) {
    throw new SnapshotFailedError('another worker wrote meanwhile');
  }
  return { seq: Number(seq), hash, logIdentity: log };
}

function summaryOf(
  { namespace, shard, shards, quotedFrom }: CaptureOptions,
  { before, outbox, counts }: SnapshotEnd,
  position: SnapshotSummary['position'],
  lines: number,
): SnapshotSummary {
  const quoted = outbox.flatMap(({ value }) => quotedFrom(JSON.parse(value ?? '""')) ?? []);
  return {
    format: SNAPSHOT_FORMAT,
    namespace,
    shard,
    shards,
    position,
    logNeededFrom: quoted.reduce((least, seq) => Math.min(least, seq), position.seq),
    now: Number(before.now ?? 0),
    lines,
    counts: { ...counts },
    meta: { ...before },
  };
}
