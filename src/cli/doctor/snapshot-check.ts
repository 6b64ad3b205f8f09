/** The snapshots: which shards have good ones, and how old the oldest newest is. */
import type { SnapshotBucket } from '../../bus/snapshot-bucket.ts';
import { messageOf } from '../../lib/errors.ts';
import { formatBytes, formatDuration } from '../durations.ts';
import { type Check, fail, ok, shardList } from './check.ts';
import { type MarksByShard, trimmedShards } from './mark-check.ts';

export async function snapshotCheck(
  bucket: SnapshotBucket,
  logs: readonly string[],
  marks: MarksByShard,
  shards: number,
): Promise<Check> {
  const name = 'snapshots';
  const trimmed = trimmedShards(marks);
  const without: number[] = [];
  let bytes = 0;
  let oldest = Date.now();
  for (let shard = 0; shard < shards; shard++) {
    try {
      const stored = await bucket.list(shard);
      bytes += stored.reduce((sum, snapshot) => sum + snapshot.bytes, 0);
      const log = logs[shard % logs.length];
      const newest = stored.find(
        ({ seal }) => seal !== undefined && seal.summary.position.logIdentity === log,
      );
      if (newest === undefined) without.push(shard);
      else oldest = Math.min(oldest, newest.writtenAt);
    } catch (error) {
      return fail(name, `cannot be read: ${messageOf(error)}`);
    }
  }
  const lost = without.filter((shard) => trimmed.includes(shard));
  if (lost.length > 0) {
    return fail(name, `the log of ${shardList(lost)} was trimmed and there is no snapshot: keep Redis safe`);
  }
  if (without.length === shards) return ok(name, 'none yet');
  const age = formatDuration(Math.max(0, Date.now() - oldest));
  const detail = `of ${shards - without.length} of ${shards} shards, ${formatBytes(bytes)}, the oldest from ${age} ago`;
  return ok(name, detail);
}
