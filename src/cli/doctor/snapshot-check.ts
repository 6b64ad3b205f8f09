/** The snapshots: which shards have good ones, how old the oldest newest is, and what was trimmed for them. */
import type { StreamInfo } from '@nats-io/jetstream';
import type { SnapshotBucket } from '../../bus/snapshot-bucket.ts';
import { logIdentityOf, trimMarkOf } from '../../bus/streams.ts';
import { messageOf } from '../../errors.ts';
import { formatBytes, formatDuration } from '../durations.ts';
import { type Check, fail, ok, shardList } from './check.ts';

export async function snapshotCheck(bucket: SnapshotBucket, log: StreamInfo, shards: number): Promise<Check> {
  const name = 'snapshots';
  const { below, shards: trimmed } = trimMarkOf(log);
  const without: number[] = [];
  let bytes = 0;
  let oldest = Date.now();
  for (let shard = 0; shard < shards; shard++) {
    try {
      const stored = await bucket.list(shard);
      bytes += stored.reduce((sum, snapshot) => sum + snapshot.bytes, 0);
      const newest = stored.find(({ seal }) => seal?.summary.position.logIdentity === logIdentityOf(log));
      if (newest === undefined) without.push(shard);
      else oldest = Math.min(oldest, newest.writtenAt);
    } catch (error) {
      return fail(name, `cannot be read: ${messageOf(error)}`);
    }
  }
  const lost = without.filter((shard) => trimmed.has(shard));
  if (lost.length > 0) {
    return fail(name, `the log of ${shardList(lost)} was trimmed and there is no snapshot: keep Redis safe`);
  }
  const cut = trimmed.size === 0 ? 'nothing trimmed' : `${trimmed.size} shards trimmed below ${below}`;
  if (without.length === shards) return ok(name, `none yet; ${cut}`);
  const age = formatDuration(Math.max(0, Date.now() - oldest));
  const detail = `of ${shards - without.length} of ${shards} shards, ${formatBytes(bytes)}, the oldest from ${age} ago; ${cut}`;
  return ok(name, detail);
}
