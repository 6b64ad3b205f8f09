/** Chooses the ended entities that a Sweep removes: those past their retention, and those beyond the count. */
import { parseEntityRef } from '../../protocol/entities.ts';
import { memoryBounds } from '../../protocol/memory.ts';
import { removedEvent } from '../kernel/entities.ts';
import type { DomainEvent } from '../kernel/events.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { World } from '../world/world.ts';

export interface Kept {
  readonly id: string;
  /** When it was finished or answered: log time. */
  readonly at: number;
}

export interface KeptOutcome extends Kept {
  /** Its size in the store, with its key. */
  readonly bytes: number;
}

/** The oldest things that the store keeps, oldest first: what retention may remove. Fetched for each Sweep. */
export interface OldestKept {
  /** Final tasks of each pool in which some are overdue; their documents are in the world. */
  readonly finals: ReadonlyMap<string, readonly Kept[]>;
  /** Ended auctions, votes, negotiations and delegations of each pool, as `<kind>/<id>`. */
  readonly ended: ReadonlyMap<string, readonly Kept[]>;
  readonly outcomes: readonly KeptOutcome[];
  /** When the first ended that these pages have no room for, by pool. */
  readonly beyond?: {
    readonly finals: ReadonlyMap<string, number>;
    readonly ended: ReadonlyMap<string, number>;
  };
}

export const NOTHING_OLD: OldestKept = { finals: new Map(), ended: new Map(), outcomes: [] };

/**
 * Final tasks that are older than they need be kept, or that there are too many of: the oldest go. One that blocked
 * tasks still wait for stays until they were told, and with it whatever ended later.
 */
export function overdueFinals(
  { settings }: World,
  state: PoolState,
  oldest: OldestKept,
  limit: number,
  until: number,
): DomainEvent[] {
  const page = leftOf(oldest, state);
  const awaited = page.findIndex(({ id }) => state.unsettled.get(id) !== undefined);
  const free = page.slice(0, awaited === -1 ? limit : Math.min(awaited, limit));
  return overdue(free, state.finals.count, settings, until).map(({ id }) => ({
    type: 'task.removed',
    id,
    data: {},
  }));
}

/** Which of the oldest need not be kept any longer; `count` is how many there are in all. */
function overdue(
  page: readonly Kept[],
  count: number,
  { finalRetentionCount, finalRetentionMs }: World['settings'],
  until: number,
): Kept[] {
  return page.filter(({ at }, i) => i < count - finalRetentionCount || at + finalRetentionMs <= until);
}

/**
 * After the first of the oldest were removed the next one is the oldest; where all that the store keeps is gone, what is
 * left was finished by this very Sweep.
 */
export function moveOldest(world: World, state: PoolState, oldest: OldestKept, now: number): void {
  const nextAt = firstFinal(oldest, state)?.at ?? oldest.beyond?.finals.get(state.doc.pool);
  world.oldestFinalIs(state, nextAt ?? (state.finals.count > 0 ? now : undefined));
}

/** The page of a pool's oldest final tasks without those that this Sweep has removed. */
function leftOf(oldest: OldestKept, state: PoolState): readonly Kept[] {
  return (oldest.finals.get(state.doc.pool) ?? []).filter(({ id }) => state.tasks.has(id));
}

function firstFinal(oldest: OldestKept, state: PoolState): Kept | undefined {
  return oldest.finals.get(state.doc.pool)?.find(({ id }) => state.tasks.has(id));
}

/** Auctions, votes, negotiations and delegations that ended long enough ago, or are too many. */
export function overdueEnded(
  { settings }: World,
  state: PoolState,
  oldest: OldestKept,
  limit: number,
  until: number,
): DomainEvent[] {
  const page = endedLeftOf(oldest, state).slice(0, limit);
  return overdue(page, state.ended.count, settings, until).flatMap(({ id }) => {
    const ref = parseEntityRef(id);
    return ref === undefined ? [] : [removedEvent(ref.kind, ref.id)];
  });
}

export function moveOldestEnded(world: World, state: PoolState, oldest: OldestKept, now: number): void {
  const nextAt = firstEnded(oldest, state)?.at ?? oldest.beyond?.ended.get(state.doc.pool);
  world.oldestEndedIs(state, nextAt ?? (state.ended.count > 0 ? now : undefined));
}

function endedLeftOf(oldest: OldestKept, state: PoolState): readonly Kept[] {
  return (oldest.ended.get(state.doc.pool) ?? []).filter((kept) => isThere(kept, state));
}

function firstEnded(oldest: OldestKept, state: PoolState): Kept | undefined {
  return oldest.ended.get(state.doc.pool)?.find((kept) => isThere(kept, state));
}

function isThere({ id }: Kept, state: PoolState): boolean {
  const ref = parseEntityRef(id);
  return ref !== undefined && state.entities[ref.kind].has(ref.id);
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
): { readonly state: PoolState; readonly event: DomainEvent } | undefined {
  const state = world.pool(world.firstKeeping?.pool ?? '');
  if (state === undefined || !keepsTooMuch(world)) return undefined;
  if (isTaskFirst(state)) {
    const id = firstFinal(oldest, state)?.id;
    if (id === undefined || state.unsettled.get(id) !== undefined) return undefined;
    return { state, event: { type: 'task.removed', id, data: {} } };
  }
  const ref = parseEntityRef(firstEnded(oldest, state)?.id ?? '');
  return ref === undefined ? undefined : { state, event: removedEvent(ref.kind, ref.id) };
}

function isTaskFirst({ finals, ended }: PoolState): boolean {
  const never = Number.POSITIVE_INFINITY;
  return (finals.oldestAt ?? never) <= (ended.oldestAt ?? never);
}
