/** Which log the state or the snapshots come from, whatever has become of the log itself. */
import type { SnapshotBucket } from '../../bus/snapshot-bucket.ts';
import type { ShardStore } from '../../state/shard-store.ts';

export interface KnownLogOptions {
  readonly storeOf: (shard: number) => Pick<ShardStore, 'position'>;
  readonly bucket: SnapshotBucket;
  readonly shards: number;
}

/** Undefined when neither was ever made of one. */
export async function knownLog({ storeOf, bucket, shards }: KnownLogOptions): Promise<string | undefined> {
  for (let shard = 0; shard < shards; shard++) {
    const { logIdentity } = await storeOf(shard).position();
    if (logIdentity !== undefined) return logIdentity;
    for (const { seal } of await bucket.list(shard)) {
      if (seal !== undefined) return seal.summary.position.logIdentity;
    }
  }
  return undefined;
}
