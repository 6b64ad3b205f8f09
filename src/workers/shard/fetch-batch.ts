/** Fetches from the store what a batch needs and memory does not hold. */
import type { OldestKept } from '../../handlers/sweep/sweep.ts';
import type { World } from '../../handlers/world/world.ts';
import type { DocumentChange } from '../../protocol/document-change.ts';
import { type Entity, refOf } from '../../protocol/entities.ts';
import type { Found, ShardStore } from '../../state/shard-store.ts';
import { type DecodedMessage, loadFound, lookupFor } from './decide-batch.ts';
import { expectAt, type Loaded } from './load-shard.ts';
import { oldestFor } from './stored-world.ts';

export interface Fetched {
  readonly found: Found;
  readonly oldest: OldestKept;
  /** Ended entities that are in memory for this batch only. */
  readonly looked: readonly Entity[];
}

/**
 * Known outcomes, ended entities, and for a Sweep the oldest ended entities and outcomes. They must be read at this worker's
 * position: in a state that another worker has advanced, the batch would find itself already decided.
 */
export async function fetchFor(
  store: ShardStore,
  { world, position, now }: Loaded,
  batch: readonly DecodedMessage[],
): Promise<Fetched> {
  const [found, old] = await Promise.all([
    store.lookup(lookupFor(batch, world)),
    // biome-ignore lint/plugin/no-spread: three arguments
    store.oldest(...oldestFor(batch, world, now)),
  ]);
  expectAt(position, found.position);
  if (old.position !== undefined) expectAt(position, old.position);
  loadFound(world, found);
  loadFound(world, old);
  return {
    found,
    oldest: old,
    looked: found.entities.concat(old.entities),
  };
}

/** Drops fetched documents, and those that ended in the batch: they are stored. */
export function forgetFetched(world: World, changes: readonly DocumentChange[], { looked }: Fetched): void {
  world.forgetEnded(changes);
  for (const entity of looked) world.pool(entity.pool)?.forget(refOf(entity));
}
