/** Takes one snapshot of a shard: capture, write, read back, seal. It counts when all of that went well. */

import { isDeepStrictEqual } from 'node:util';
import type { SnapshotBucket, StoredSnapshot } from '../../bus/snapshot-bucket.ts';
import { SnapshotDamagedError, SnapshotFailedError } from '../../lib/errors.ts';
import { least } from '../../protocol/lists.ts';
import type { SnapshotSummary } from '../../protocol/snapshots.ts';
import type { ShardKeys } from '../../state/keys.ts';
import type { Redis } from '../../state/redis.ts';
import { ShardCapture } from '../../state/snapshots/capture.ts';
import { partsOf, type RecordId } from '../../state/snapshots/records.ts';
import { SnapshotSource } from '../../state/snapshots/source.ts';
import type { TrackedShardStore } from '../../state/snapshots/tracked-store.ts';
import { decodeOutbox } from '../shard/outbox.ts';
import { compress, type ReadContent, readContent } from './content.ts';

export interface TakeSnapshotOptions {
  readonly bucket: SnapshotBucket;
  /** A connection for its own: large answers must not stand before those that the shard waits for. */
  readonly redis: Redis;
  readonly keys: ShardKeys;
  readonly store: TrackedShardStore;
  readonly namespace: string;
  readonly shard: number;
  readonly shards: number;
}

export interface TakenSnapshot {
  readonly position: number;
  readonly logIdentity: string;
  /** Log time at the position. */
  readonly now: number;
  /** Bytes of text, and of what is stored. */
  readonly bytes: number;
  readonly storedBytes: number;
  readonly durationMs: number;
  /** How long commits had to wait for it. */
  readonly pauseMs: number;
}

export async function takeSnapshot({
  bucket,
  redis,
  keys,
  store,
  namespace,
  shard,
  shards,
}: TakeSnapshotOptions): Promise<TakenSnapshot> {
  const started = performance.now();
  const { seq, logIdentity } = await store.position();
  if (seq <= 0 || logIdentity === undefined) throw new SnapshotFailedError('the shard holds nothing');
  const source = new SnapshotSource(redis, keys);
  const capture = new ShardCapture({ store, source, namespace, shard, shards, quotedFrom });
  const { chunks, result } = compress(capture.text());
  const stored = await bucket.put(shard, logIdentity, chunks);
  const { summary, pauseMs } = capture.captured;
  const written = result();
  const back = await readBack(bucket, stored);
  if (back.sha256 !== written.sha256 || !isDeepStrictEqual(back.summary, summary)) {
    throw new SnapshotDamagedError('the content that was read back differs from what was written');
  }
  await bucket.seal(stored, { of: stored.content, sha256: written.sha256, summary });
  return {
    position: summary.position.seq,
    logIdentity,
    now: summary.now,
    bytes: written.bytes,
    storedBytes: stored.bytes,
    durationMs: Math.round(performance.now() - started),
    pauseMs,
  };
}

/** The first message of the log that a dead letter in the outbox still has to be made of. */
export function quotedFrom(outbox: string): number | undefined {
  const { deadLetters } = decodeOutbox(outbox);
  return least(deadLetters.map(({ seq }) => seq));
}

/** Reads all of a snapshot and counts what it keeps. Throws {@link SnapshotDamagedError} when it is not good. */
export async function readBack(bucket: SnapshotBucket, stored: StoredSnapshot): Promise<ReadContent> {
  const kept = new Set<RecordId>();
  const lines = readContent(bucket.read(stored));
  for (;;) {
    const next = await lines.next();
    if (next.done === true) {
      checkCounts(kept, next.value.summary);
      return next.value;
    }
    for (const line of next.value) {
      if (line.is !== 'record') continue;
      const { id, value } = line.record;
      if (value === undefined) kept.delete(id);
      else kept.add(id);
    }
  }
}

/** Documents that changed during the copy must be in it as they were at the end: neither missing nor left over. */
function checkCounts(kept: ReadonlySet<RecordId>, { counts }: SnapshotSummary): void {
  const found = new Map<string, number>();
  for (const id of kept) {
    const { kind } = partsOf(id);
    found.set(kind, (found.get(kind) ?? 0) + 1);
  }
  for (const [kind, count] of Object.entries(counts)) {
    if ((found.get(kind) ?? 0) === count) continue;
    throw new SnapshotDamagedError(
      `it holds ${found.get(kind) ?? 0} of kind ${kind}, but there are ${count}`,
    );
  }
}
