/**
 * Trim marks: what was trimmed of the log, where nobody can lose it by accident. They stand in a stream of their own, a
 * subject for each shard, and only a worker that has read the newest one can write (expected last sequence of the subject).
 * So two that trim, and a third that changes a limit of the log, cannot undo each other's words
 * (docs/decisions/021-trim-marks.md).
 */
import { z } from 'zod';
import { LogDivergedError, UnavailableError } from '../lib/errors.ts';

/** A snapshot of the shard stands at `seq`, and log time was `at` there. */
const noted = z.tuple([z.int().min(1), z.int().min(0)]);

const trimMarkSchema = z.object({
  /** Which log it is about: the identity that was chosen for it before it was made. */
  log: z.string().min(1),
  /** The log was made: one that is missing now was lost, and is not made again. */
  made: z.boolean(),
  /** No message of the shard at or above this position was ever trimmed. It only rises. */
  below: z.int().min(1),
  marks: z.array(noted),
});

export type TrimMark = Readonly<z.output<typeof trimMarkSchema>>;

/** The stored mark, if it can be read, and the sequence that a writer must expect. */
export interface HeldMark {
  readonly mark: TrimMark | undefined;
  readonly revision: number;
}

export interface TrimMarks {
  /** As the leader of the stream has it, not a copy that may be behind. */
  read(shard: number): Promise<HeldMark>;
  /** Writes if `revision` is still the newest; returns whether it was. */
  write(shard: number, mark: TrimMark, revision: number): Promise<boolean>;
}

/** The mark of a shard whose log is about to be made. */
export function genesisMark(log: string): TrimMark {
  return { log, made: false, below: 1, marks: [] };
}

export function encodeMark(mark: TrimMark): string {
  return JSON.stringify(mark);
}

/** Undefined when it cannot be read: what is no mark says nothing about what was trimmed. */
export function decodeMark(text: string): TrimMark | undefined {
  try {
    const parsed = trimMarkSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

const MOST_TRIES = 50;

/**
 * Read, compute, write if no one wrote meanwhile, read back; repeat if someone did. `change` returns undefined when
 * nothing is to be written. Returns the final mark. `below` never falls, no matter what `change` returns.
 */
export async function changeMark(
  marks: TrimMarks,
  shard: number,
  change: (mark: TrimMark | undefined) => TrimMark | undefined,
): Promise<TrimMark | undefined> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { mark, revision } = await marks.read(shard);
    const changed = change(mark);
    if (changed === undefined) return mark;
    const wanted = { ...changed, below: Math.max(changed.below, mark?.below ?? 1) };
    if (mark !== undefined && encodeMark(wanted) === encodeMark(mark)) return mark;
    if (!(await marks.write(shard, wanted, revision))) continue;
    const back = await marks.read(shard);
    // A later writer has seen our mark, so it is contained in the present one.
    if (back.mark !== undefined && back.mark.log === wanted.log && back.mark.below >= wanted.below) {
      return back.mark;
    }
  }
  throw new UnavailableError(
    `could not write the trim mark of shard ${shard}: other workers keep writing it`,
  );
}

/** How many snapshots a mark names at most. */
export const MOST_NOTED = 200;

/** With a snapshot more. Of too many the one goes whose neighbours are closest in time, never the first or the last. */
export function withSnapshot(mark: TrimMark, seq: number, at: number): TrimMark {
  const marks = [...mark.marks.filter(([known]) => known !== seq), [seq, at] satisfies [number, number]];
  marks.sort((a, b) => a[0] - b[0]);
  while (marks.length > MOST_NOTED) marks.splice(closest(marks), 1);
  return { ...mark, marks };
}

function closest(marks: readonly (readonly [number, number])[]): number {
  let found = 1;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < marks.length - 1; i++) {
    const gap = (marks[i + 1]?.[1] ?? 0) - (marks[i - 1]?.[1] ?? 0);
    if (gap >= least) continue;
    least = gap;
    found = i;
  }
  return found;
}

/** The log is trimmed below a position: snapshots before it are useless. */
export function trimmedBelow(mark: TrimMark, below: number): TrimMark {
  const point = Math.max(mark.below, below);
  return { ...mark, below: point, marks: mark.marks.filter(([seq]) => seq >= point) };
}

/** Throws when a mark is about another log than the one that is there. */
export function expectSameLog(mark: TrimMark, logIdentity: string, shard: number): void {
  if (mark.log === logIdentity) return;
  throw new LogDivergedError(
    `the trim mark of shard ${shard} belongs to another log, ${mark.log}; this log is ${logIdentity}`,
  );
}

/** The word by which a halt, an alarm and the doctor name it. */
export const MARK_MISSING = 'mark_missing';

export function markMissing(shard: number): LogDivergedError {
  return new LogDivergedError(
    `${MARK_MISSING}: nothing records what was trimmed from the log of shard ${shard}, and its state is lost: ` +
      'restore the trim marks, or make new ones from the log (converge marks renew)',
  );
}
