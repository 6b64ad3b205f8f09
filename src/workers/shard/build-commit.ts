/** Builds the commit that writes a decided batch. */
import { messageHash } from '../../bus/log-message.ts';
import { nextDue } from '../../handlers/sweep/sweep.ts';
import type { ShardCommit } from '../../state/shard-store.ts';
import type { DecidedBatch, DecodedMessage } from './decide-batch.ts';
import type { Fetched } from './fetch-batch.ts';
import type { Loaded } from './load-shard.ts';
import { encodeOutbox } from './outbox.ts';
import { changedClasses } from './stored-world.ts';

export interface CommitParts {
  readonly id: string;
  readonly loaded: Loaded;
  /** The last message of the batch. */
  readonly last: DecodedMessage;
  readonly decided: DecidedBatch;
  readonly fetched: Fetched;
  /** Batches that are published and can be cleared from the outbox. */
  readonly published: readonly number[];
}

/** Takes the changes out of the world. */
export function buildCommit({ id, loaded, last, decided, fetched, published }: CommitParts): ShardCommit {
  const { world, position, logIdentity } = loaded;
  const { message } = last;
  const { changes, sequences, bans, buckets, turns, fences } = world.takeChanges();
  return {
    id,
    expected: { ...position, logIdentity },
    next: {
      seq: message.seq,
      hash: messageHash(message),
      logIdentity,
      now: decided.now,
      clock: loaded.clock,
    },
    settings: world.settings,
    nextDue: nextDue(world),
    bytes: world.bytes,
    changes,
    texts: decided.size.texts,
    sequences,
    classes: changedClasses(world, changes),
    bans,
    buckets,
    turns,
    fences,
    outcomes: decided.records,
    outcomeBytes: world.outcomes.bytes,
    endedBytes: world.endedBytes,
    forgotten: fetched.oldest.outcomes.slice(0, decided.forgottenOutcomes).map((outcome) => outcome.id),
    outbox: encodeOutbox(decided),
    published,
  };
}

/** Outcomes that were removed before their time, because there were too many, or too large ones. */
export function forgottenEarly({ world }: Loaded, decided: DecidedBatch, { oldest }: Fetched): number {
  const { outcomeRetentionMs } = world.settings;
  const forgotten = oldest.outcomes.slice(0, decided.forgottenOutcomes);
  return forgotten.filter(({ at }) => at + outcomeRetentionMs > decided.now).length;
}
