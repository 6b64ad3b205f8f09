/**
 * Recreates lost trim marks from the log itself, on request of a person (`converge marks renew`) who knows that
 * this is the right log. Messages that it no longer holds count as trimmed, so that a lost state is never mistaken for an empty one.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import { shardsIn } from '../../bus/layout.ts';
import { forEachShard, heldFrom } from '../../bus/log-origin.ts';
import { NatsTrimMarks } from '../../bus/nats-trim-marks.ts';
import { findLayout } from '../../bus/streams.ts';
import {
  changeMark,
  genesisMark,
  type TrimMark,
  type TrimMarks,
  trimmedBelow,
} from '../../bus/trim-marks.ts';
import { ConfigurationError } from '../../lib/errors.ts';
import { type Subjects, subjects as subjectsOf } from '../../protocol/subjects.ts';

export interface MarkOfShard extends TrimMark {
  readonly shard: number;
  /** It was not there. */
  readonly isNew: boolean;
}

export async function renewMarks(system: {
  readonly jsm: JetStreamManager;
  readonly subjects: Subjects;
}): Promise<MarkOfShard[]> {
  const { jsm, subjects } = system;
  const layout = await findLayout(jsm, subjects);
  if (layout === undefined) {
    throw new ConfigurationError(`there is no log in namespace ${subjects.namespace}: restore it first`);
  }
  const marks = new NatsTrimMarks(jsm, subjects);
  const found: MarkOfShard[] = [];
  const streams = layout.logs.length;
  const named = { jsm, subjects: subjectsOf(subjects.namespace, streams) };
  await forEachShard(shardsIn(0, 1, layout.shards), async (shard) => {
    const log = layout.logs[shard % streams] ?? '';
    if (log === '')
      throw new ConfigurationError(`stream ${named.subjects.logOf(shard)} is gone: restore it first`);
    const { mark } = await marks.read(shard);
    const below = mark === undefined ? await heldFrom(named, shard) : mark.below;
    const made = { ...genesisMark(log), made: true, below };
    const first = await changeMark(marks, shard, (there) => (there === undefined ? made : undefined));
    const stands = mark === undefined ? await lookAgain(marks, named, shard) : first;
    found.push({ ...(stands ?? made), shard, isNew: mark === undefined });
  });
  return found.sort((a, b) => a.shard - b.shard);
}

/**
 * A worker that had said what it would trim before the mark was lost may have trimmed it since the log was looked at. From here on it
 * finds the new mark, and says it again.
 */
async function lookAgain(
  marks: TrimMarks,
  system: { readonly jsm: JetStreamManager; readonly subjects: Subjects },
  shard: number,
): Promise<TrimMark | undefined> {
  const below = await heldFrom(system, shard);
  return await changeMark(marks, shard, (mark) =>
    mark !== undefined && mark.below < below ? trimmedBelow(mark, below) : undefined,
  );
}
