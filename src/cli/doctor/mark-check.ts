/** The trim marks: does every shard have one, is it about this log, and what was trimmed. */

import type { JetStreamManager } from '@nats-io/jetstream';
import { shardsIn } from '../../bus/layout.ts';
import { forEachShard } from '../../bus/log-origin.ts';
import { NatsTrimMarks } from '../../bus/nats-trim-marks.ts';
import { MARK_MISSING, type TrimMark } from '../../bus/trim-marks.ts';
import { greatest } from '../../protocol/lists.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { type Check, fail, ok, shardList } from './check.ts';

export type MarksByShard = ReadonlyMap<number, TrimMark>;

export async function readMarks(
  jsm: JetStreamManager,
  subjects: Subjects,
  shards: number,
): Promise<MarksByShard> {
  const marks = new NatsTrimMarks(jsm, subjects);
  const found = new Map<number, TrimMark>();
  await forEachShard(shardsIn(0, 1, shards), async (shard) => {
    const { mark } = await marks.read(shard);
    if (mark !== undefined) found.set(shard, mark);
  });
  return found;
}

export function markCheck(marks: MarksByShard, logs: readonly string[], shards: number): Check {
  const name = 'trim-marks';
  const all = Array.from({ length: shards }, (_, shard) => shard);
  const missing = all.filter((shard) => !marks.has(shard));
  const others = all.filter((shard) => {
    const log = logs[shard % logs.length];
    return (marks.get(shard)?.log ?? log) !== log;
  });
  if (others.length > 0) {
    return fail(name, `those of ${shardList(others)} belong to another log than this one`);
  }
  if (missing.length > 0) {
    return fail(
      name,
      `${MARK_MISSING}: nothing records what was trimmed from the log of ${shardList(missing)}; it is no longer trimmed, and a lost state is not restored automatically: run converge marks renew`,
    );
  }
  const trimmed = trimmedShards(marks);
  const below = greatest([...marks.values()].map((mark) => mark.below)) ?? 1;
  return ok(
    name,
    trimmed.length === 0 ? 'nothing trimmed' : `${trimmed.length} shards trimmed below ${below}`,
  );
}

export function trimmedShards(marks: MarksByShard): number[] {
  return [...marks]
    .filter(([, { below }]) => below > 1)
    .map(([shard]) => shard)
    .sort((a, b) => a - b);
}
