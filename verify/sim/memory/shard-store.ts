import { WriteFailedError, type WriteFailure } from '../../../src/lib/errors.ts';
import { encodeCommit } from '../../../src/state/encode-commit.ts';
import { shardKeys } from '../../../src/state/keys.ts';
import { measured } from '../../../src/state/script-writer.ts';
import type { ShardCommit, ShardStore, StoredPosition } from '../../../src/state/shard-store.ts';
import type { Link } from './link.ts';
import type { MemoryShard } from './shard.ts';

/** Asked when a commit is sent, the answer is called when it is applied, with where the shard stood before. */
export type CommitWatch = (commit: ShardCommit) => (before: StoredPosition) => void;

/** Why a commit fails this time, whatever the link does; `refused` and `broken` are asked for at the store. */
export type CommitFault = (
  commit: ShardCommit,
  where: 'before it is sent' | 'at the store',
) => Exclude<WriteFailure, 'unanswered'> | undefined;

const NO_FAULT: CommitFault = () => undefined;
/** Any keys: a commit is as large here as it would be for Redis. */
const KEYS = shardKeys('sim', 0);

/** A shard in memory, seen by one worker through its link. */
export function memoryShardStore(
  link: Link,
  shard: MemoryShard,
  watch?: CommitWatch,
  faultOf: CommitFault = NO_FAULT,
): ShardStore {
  return {
    load: () => link.request('read', () => shard.load()),
    lookup: (wanted) => link.request('read', () => shard.lookup(wanted)),
    oldest: (pools, perPool, outcomes) => link.request('read', () => shard.oldest(pools, perPool, outcomes)),
    async commit(commit) {
      const size = measured(encodeCommit(KEYS, commit));
      if (faultOf(commit, 'before it is sent') === 'unsent') throw failed('unsent');
      const applied = watch?.(commit);
      await link.request('commit', () => {
        const fault = faultOf(commit, 'at the store');
        if (fault === 'refused') throw failed(fault);
        if (fault === 'broken' && shard.expects(commit)) {
          shard.breakOff(commit);
          throw failed(fault);
        }
        const before = shard.commit(commit);
        if (before !== undefined) applied?.(before);
      });
      return size;
    },
    position: () => link.request('read', () => shard.position()),
    unpublished: () => link.request('read', () => shard.unpublished()),
    clearPublished: (positions) => link.request('read', () => shard.clearPublished(positions)),
    outcomes: (keys) => link.request('read', () => shard.outcomes(keys)),
    setHalted: (reason) => link.request('read', () => shard.setHalted(reason)),
  };
}

function failed(failure: WriteFailure): WriteFailedError {
  return new WriteFailedError(failure, `the store says: ${failure}`);
}
