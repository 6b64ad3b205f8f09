/** Chooses the ended entities that a Sweep removes: those past their retention, and those beyond the count. */
import { type EntityRef, GROUPS, type Group, ofGroups } from '../../protocol/entities.ts';
import { memoryBounds } from '../../protocol/memory.ts';
import { removedEvent } from '../kernel/entities.ts';
import type { DomainEvent } from '../kernel/events.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { World } from '../world/world.ts';

/** Something that is kept, and since when: log time. */
interface KeptSince {
  readonly at: number;
}

/** An ended entity; its document is in the world. */
export interface Kept extends KeptSince, EntityRef {}

export interface KeptOutcome extends KeptSince {
  readonly id: string;
  /** Its size in the store, with its key. */
  readonly bytes: number;
}

/** The oldest things that the store keeps, oldest first: what retention may remove. Fetched for each Sweep. */
export interface OldestKept {
  /** Of each pool in which some are overdue, by group. */
  readonly ended: Readonly<Record<Group, ReadonlyMap<string, readonly Kept[]>>>;
  readonly outcomes: readonly KeptOutcome[];
  /** When the first ended that these pages have no room for, by pool. */
  readonly beyond?: Readonly<Record<Group, ReadonlyMap<string, number>>>;
}

export const NOTHING_OLD: OldestKept = { ended: ofGroups(() => new Map()), outcomes: [] };

/**
 * Entities of a group that are older than they need be kept, or that there are too many of: the oldest go. A task that blocked
 * ones still wait for stays until they were told, and with it whatever ended later.
 */
export function overdue(
  { settings }: World,
  state: PoolState,
  group: Group,
  oldest: OldestKept,
  limit: number,
  until: number,
): DomainEvent[] {
  const { finalRetentionCount, finalRetentionMs } = settings;
  const page = pageOf(oldest, state, group).filter((kept) => isThere(kept, state));
  const awaited = page.findIndex((kept) => isAwaited(kept, state));
  const free = page.slice(0, awaited === -1 ? limit : Math.min(awaited, limit));
  const tooMany = state.retained[group].count - finalRetentionCount;
  return free
    .filter(({ at }, i) => i < tooMany || at + finalRetentionMs <= until)
    .map(({ kind, id }) => removedEvent(kind, id));
}

/**
 * After the first of the oldest were removed the next one is the oldest; where all that the store keeps is gone, what is
 * left was finished by this very Sweep.
 */
export function moveOldest(
  world: World,
  state: PoolState,
  group: Group,
  oldest: OldestKept,
  now: number,
): void {
  const nextAt = firstOf(oldest, state, group)?.at ?? oldest.beyond?.[group].get(state.doc.pool);
  world.oldestIs(state, group, nextAt ?? (state.retained[group].count > 0 ? now : undefined));
}

function pageOf(oldest: OldestKept, { doc }: PoolState, group: Group): readonly Kept[] {
  return oldest.ended[group].get(doc.pool) ?? [];
}

/** The oldest of a pool's that this Sweep has not removed. */
function firstOf(oldest: OldestKept, state: PoolState, group: Group): Kept | undefined {
  return pageOf(oldest, state, group).find((kept) => isThere(kept, state));
}

function isThere({ kind, id }: Kept, { entities }: PoolState): boolean {
  return entities[kind].has(id);
}

function isAwaited({ kind, id }: Kept, { dependents }: PoolState): boolean {
  return kind === 'task' && dependents.unsettled.get(id) !== undefined;
}

/** What has ended and is kept takes more than a shard may keep. */
export function keepsTooMuch({ settings, endedBytes }: World): boolean {
  return endedBytes > memoryBounds(settings).endedBytes;
}

/**
 * The one that goes because all of them take too much: what ended first in the whole shard; of one moment by the names of
 * pools, tasks before the rest. None where it has no room in these pages, or where blocked tasks still wait for it: then it
 * goes with a later Sweep.
 */
export function firstBeyondBytes(
  world: World,
  oldest: OldestKept,
): { readonly state: PoolState; readonly group: Group; readonly event: DomainEvent } | undefined {
  const state = world.pool(world.firstKeeping?.pool ?? '');
  if (state === undefined || !keepsTooMuch(world)) return undefined;
  const group = GROUPS.reduce((first, other) =>
    endedAt(state, other) < endedAt(state, first) ? other : first,
  );
  const kept = firstOf(oldest, state, group);
  if (kept === undefined || isAwaited(kept, state)) return undefined;
  return { state, group, event: removedEvent(kept.kind, kept.id) };
}

function endedAt({ retained }: PoolState, group: Group): number {
  return retained[group].oldestAt ?? Number.POSITIVE_INFINITY;
}
