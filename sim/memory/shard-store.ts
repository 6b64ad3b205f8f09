import type { ShardCommit, ShardStore, StoredPosition } from '../../src/state/shard-store.ts';
import type { Link } from './link.ts';
import type { MemoryShard } from './shard.ts';

/** Asked when a commit is sent, the answer is called when it is applied, with where the shard stood before. */
export type CommitWatch = (commit: ShardCommit) => (before: StoredPosition) => void;

/** A shard in memory, seen by one worker through its link. */
export function memoryShardStore(link: Link, shard: MemoryShard, watch?: CommitWatch): ShardStore {
  return {
    load: () => link.request('read', () => shard.load()),
    lookup: (wanted) => link.request('read', () => shard.lookup(wanted)),
    oldest: (pools, perPool, outcomes) => link.request('read', () => shard.oldest(pools, perPool, outcomes)),
    async commit(commit) {
      const applied = watch?.(commit);
      await link.request('commit', () => {
        const before = shard.commit(commit);
        if (before !== undefined) applied?.(before);
      });
    },
    position: () => link.request('read', () => shard.position()),
    unpublished: () => link.request('read', () => shard.unpublished()),
    clearPublished: (positions) => link.request('read', () => shard.clearPublished(positions)),
    outcomes: (keys) => link.request('read', () => shard.outcomes(keys)),
    setHalted: (reason) => link.request('read', () => shard.setHalted(reason)),
  };
}
