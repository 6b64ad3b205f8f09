/** Which log the state or the snapshots come from, whatever has become of the log itself. */
import type { SnapshotBucket } from '../../bus/snapshot-bucket.ts';
import type { ShardStore } from '../../state/shard-store.ts';

export interface KnownLogOptions {
  readonly storeOf: (shard: number) => Pick<ShardStore, 'position'>;
  readonly bucket: SnapshotBucket;
  /** Those of one stream of the log. */
  readonly shards: readonly number[];
}

/** Undefined when neither was ever made of one. */
export async function knownLog({ storeOf, bucket, shards }: KnownLogOptions): Promise<string | undefined> {
  for (const shard of shards) {
    const { logIdentity } = await storeOf(shard).position();
    if (logIdentity !== undefined) return logIdentity;
    for (const { seal } of await bucket.list(shard)) {
      if (seal !== undefined) return seal.summary.position.logIdentity;
    }
  }
  return undefined;
}
