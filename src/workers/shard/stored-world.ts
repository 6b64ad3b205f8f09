/** Between the store and the world: what is loaded, what a batch has to see of what is kept, what a commit says. */
import { keepsTooMuch } from '../../handlers/sweep/retention.ts';
import { OUTCOMES_FORGOTTEN_AT_ONCE, SWEEP_LIMIT } from '../../handlers/sweep/sweep.ts';
import { retentionKey } from '../../handlers/world/due.ts';
import type { PoolState } from '../../handlers/world/pool-state.ts';
import { World } from '../../handlers/world/world.ts';
import type { DocumentChange } from '../../protocol/document-change.ts';
import { claimClass, isClaimable } from '../../protocol/documents.ts';
import { GROUPS } from '../../protocol/entities.ts';
import { DEFAULT_SETTINGS } from '../../protocol/settings.ts';
import type { StoredShard } from '../../state/shard-store.ts';
import { type DecodedMessage, isSweep } from './decide-batch.ts';

/** The world that a store describes; at the beginning of the log the one that every shard begins with. */
export function worldOf(
  stored: StoredShard,
  { shard, shards }: { readonly shard: number; readonly shards: number },
): World {
  if (stored.position.seq === 0) return World.genesis(shard, shards);
  const world = new World();
  world.changeSettings(stored.settings ?? DEFAULT_SETTINGS);
  for (const [key, fences] of stored.fences) world.loadFences(key, fences);
  for (const { doc, sequence, retained, members, offers, entities } of stored.pools) {
    const state = world.load(doc, sequence, retained);
    for (const member of members) world.loadMember(state, member);
    for (const offer of offers) world.loadOffer(state, offer);
    for (const entity of entities) world.loadEntity(state, entity);
  }
  for (const ban of stored.bans) world.loadBan(ban);
  for (const [key, fullAtUs] of stored.buckets) world.buckets.load(key, fullAtUs);
  for (const [pool, turn] of stored.turns) world.loadTurn(pool, turn);
  world.outcomes.count = stored.outcomes.count;
  world.outcomes.bytes = stored.outcomes.bytes;
  world.outcomes.oldestAt = stored.outcomes.oldestAt;
  world.endedBytes = stored.endedBytes;
  return world;
}

/** What a Sweep removes, and one more. */
const OLDEST_AT_ONCE = SWEEP_LIMIT + 1;

/**
 * For a Sweep: the pools of which something kept is overdue, those that keep the oldest if all of it takes too much, and how
 * much of them together to look at.
 */
export function oldestFor(
  batch: readonly DecodedMessage[],
  world: World,
  now: number,
): [string[], number, number] {
  const [first] = batch;
  if (first === undefined || !isSweep(first)) return [[], 0, 0];
  const at = Math.max(now, first.message.at);
  const pools = new Set<string>();
  for (const pool of world.duePools(at, Number.POSITIVE_INFINITY)) {
    if (isRetentionDue(world.pool(pool), at)) pools.add(pool);
    if (pools.size >= OLDEST_AT_ONCE) break;
  }
  if (keepsTooMuch(world)) for (const { pool } of world.keeping(OLDEST_AT_ONCE)) pools.add(pool);
  return [[...pools], OLDEST_AT_ONCE, OUTCOMES_FORGOTTEN_AT_ONCE + 1];
}

function isRetentionDue(state: PoolState | undefined, at: number): boolean {
  return GROUPS.some((group) => (state?.due.get(retentionKey(group))?.at ?? Number.POSITIVE_INFINITY) <= at);
}

/** Classes that tasks entered or left, and whether any are still in them. */
export function changedClasses(
  world: World,
  changes: readonly DocumentChange[],
): Map<string, Map<string, boolean>> {
  const classes = new Map<string, Map<string, boolean>>();
  for (const { kind, pool, before, after } of changes) {
    if (kind !== 'task') continue;
    for (const task of [before, after]) {
      if (task === undefined || !isClaimable(task)) continue;
      let ofPool = classes.get(pool);
      if (ofPool === undefined) {
        ofPool = new Map();
        classes.set(pool, ofPool);
      }
      const key = claimClass(task);
      ofPool.set(key, world.pool(pool)?.pending.hasClass(key) ?? false);
    }
  }
  return classes;
}
