/**
 * Settles what time has done: claims that expired, deadlines, delays that are over, members that fell silent, and
 * what has been kept long enough. One entity after the other, each on the state that the one before left.
 */

import type { Sweep } from '../../protocol/decisions/index.ts';
import { entityRef, parseEntityRef } from '../../protocol/entities.ts';
import type { Json } from '../../protocol/json.ts';
import { MINUTE_MS } from '../../protocol/limits.ts';
import { pushAll } from '../../protocol/lists.ts';
import { afterSweep } from '../../protocol/settings.ts';
import { nextHandover, settleHandovers } from '../auctions/handovers.ts';
import { endWithPool } from '../delegations/due.ts';
import { kindOf, lapseEntity, removedEvent } from '../entities.ts';
import { type DomainEvent, isInternal } from '../events.ts';
import type { Context } from '../handler.ts';
import { presenceLapsed } from '../pools/guards.ts';
import { endMembership } from '../pools/membership.ts';
import { settleDependents, settleNextDependent } from '../tasks/dependents.ts';
import { lapse } from '../tasks/lapse.ts';
import type { Due, PoolState } from '../world/pool-state.ts';
import type { AppliedEvent, World } from '../world/world.ts';

export interface Kept {
  readonly id: string;
  /** When it was finished or answered: log time. */
  readonly at: number;
}

/** The oldest things that the store keeps, oldest first: what retention may remove. Fetched for each Sweep. */
export interface OldestKept {
  /** Final tasks of each pool in which some are overdue; their documents are in the world. */
  readonly finals: ReadonlyMap<string, readonly Kept[]>;
  /** Ended auctions, votes, negotiations and delegations of each pool, as `<kind>/<id>`. */
  readonly ended: ReadonlyMap<string, readonly Kept[]>;
  readonly outcomes: readonly Kept[];
}

export const NOTHING_OLD: OldestKept = { finals: new Map(), ended: new Map(), outcomes: [] };

export const SWEEP_LIMIT = 500;
/** Most outcomes that one Sweep forgets, and so how many of the oldest it needs to see (one more). */
export const OUTCOMES_FORGOTTEN_AT_ONCE = 5_000;

/** The same of buckets that have been full for a while. */
const BUCKETS_FORGOTTEN_AT_ONCE = 5_000;

/** What a Sweep's outcome tells: each list names what was settled, with its pool. */
export interface SweepReport {
  readonly released: {
    readonly pool: string;
    readonly taskId: string;
    readonly agent: string;
    readonly epoch: number;
  }[];
  readonly failed: { readonly pool: string; readonly taskId: string; readonly cause: string }[];
  readonly cancelled: { readonly pool: string; readonly taskId: string }[];
  readonly unblocked: { readonly pool: string; readonly taskId: string }[];
  readonly expiredMembers: { readonly pool: string; readonly agent: string }[];
  removedTasks: number;
  removedPools: number;
  /** Auctions, votes, negotiations and delegations that time ended, as `<kind>/<id>` with the event. */
  readonly closed: { readonly pool: string; readonly entity: string; readonly event: string }[];
  removedEntities: number;
  forgottenOutcomes: number;
  /** Something due is left: sweep again. */
  more: boolean;
}

export interface Swept {
  readonly events: readonly AppliedEvent[];
  readonly data: Json;
  readonly forgottenOutcomes: number;
}

export function applySweep(world: World, sweep: Sweep, { now }: Context, oldest: OldestKept): Swept {
  if (sweep.settings !== undefined || sweep.heapBytes !== undefined) {
    world.changeSettings(afterSweep(world.settings, sweep.settings, sweep.heapBytes));
  }
  const until = Math.min(sweep.until ?? now, now);
  const limit = sweep.limit ?? SWEEP_LIMIT;
  const events: AppliedEvent[] = [];
  while (events.length < limit) {
    const item = world.nextDueItem(until);
    if (item === undefined) break;
    const state = world.pool(item.pool);
    const left = limit - events.length;
    const happened = state === undefined ? [] : settle(world, state, item.due, oldest, left, until, now);
    if (happened.length === 0) break;
    for (const event of happened) events.push(world.apply(item.pool, event, now));
    pushAll(events, settleDependents(world, item.pool, now, limit - events.length));
    pushAll(events, settleHandovers(world, item.pool, now, limit - events.length));
    if (state !== undefined && item.due.kind === 'retention') moveOldest(world, state, oldest, now);
    if (state !== undefined && item.due.kind === 'entity-retention')
      moveOldestEnded(world, state, oldest, now);
  }
  world.buckets.forget(until, BUCKETS_FORGOTTEN_AT_ONCE);
  const forgotten = forgetOutcomes(world, oldest.outcomes, until, now);
  const report = reportOf(events);
  report.forgottenOutcomes = forgotten;
  report.more = (nextDue(world) ?? Number.POSITIVE_INFINITY) <= until;
  return { events, data: { ...report }, forgottenOutcomes: forgotten };
}

/** The earliest time at which a Sweep of this shard has something to do. */
export function nextDue(world: World): number | undefined {
  return earlier(earlier(world.nextDue(), outcomesDue(world)), world.buckets.nextDue());
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function outcomesDue({ outcomes, settings }: World): number | undefined {
  if (outcomes.oldestAt === undefined) return undefined;
  if (outcomes.count > settings.outcomeRetentionCount) return outcomes.oldestAt;
  const slackMs = Math.min(MINUTE_MS, Math.ceil(settings.outcomeRetentionMs / 10));
  return outcomes.oldestAt + settings.outcomeRetentionMs + slackMs;
}

/**
 * What became of one thing when it fell due. What else time has done to it since then falls due in its turn, so that
 * a late sweep tells the same story as one that was there every millisecond.
 */
function settle(
  world: World,
  state: PoolState,
  due: Due,
  oldest: OldestKept,
  limit: number,
  until: number,
  now: number,
): readonly DomainEvent[] {
  switch (due.kind) {
    case 'task': {
      const task = state.tasks.get(due.id);
      return task === undefined ? [] : lapse(state, task, due.at).events;
    }
    case 'member': {
      const member = state.members.get(due.id);
      return member === undefined || !presenceLapsed(member, due.at)
        ? []
        : endMembership(state, member, 'absent', due.at);
    }
    case 'dependents': {
      const event = settleNextDependent(state, now);
      return event === undefined ? [] : [event];
    }
    case 'entity': {
      const ref = parseEntityRef(due.id);
      const entity = ref && state.entities[ref.kind].get(ref.id);
      return entity === undefined ? [] : lapseEntity(state, entity, now);
    }
    case 'handover':
      return nextHandover(state, now);
    case 'entity-retention':
      return overdueEnded(world, state, oldest, limit, until);
    case 'retention':
      return overdueFinals(world, state, oldest, limit, until);
    case 'removal':
      if (state.delegations.size > 0) return endWithPool(state, limit);
      return state.members.size > 0
        ? [...state.members.keys()]
            .sort()
            .slice(0, limit)
            .map((id) => ({ type: 'member.left', id, data: {} }))
        : [{ type: 'pool.removed', id: state.doc.pool, data: {} }];
  }
}

/**
 * Final tasks that are older than they need be kept, or that there are too many of: the oldest go. One that blocked
 * tasks still wait for stays until they were told, and with it whatever ended later.
 */
function overdueFinals(
  { settings }: World,
  state: PoolState,
  oldest: OldestKept,
  limit: number,
  until: number,
): DomainEvent[] {
  const page = leftOf(oldest, state);
  const awaited = page.findIndex(({ id }) => state.unsettled.has(id));
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
 * After the first of the oldest were removed the next one is the oldest; where the page ends there, all that is left
 * was finished by this very Sweep.
 */
function moveOldest(world: World, state: PoolState, oldest: OldestKept, now: number): void {
  const next = leftOf(oldest, state)[0];
  world.oldestFinalIs(state, next?.at ?? (state.finals.count > 0 ? now : undefined));
}

/** The page of a pool's oldest final tasks without those that this Sweep has removed. */
function leftOf(oldest: OldestKept, state: PoolState): readonly Kept[] {
  return (oldest.finals.get(state.doc.pool) ?? []).filter(({ id }) => state.tasks.has(id));
}

/** Auctions, votes, negotiations and delegations that ended long enough ago, or are too many. */
function overdueEnded(
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

function moveOldestEnded(world: World, state: PoolState, oldest: OldestKept, now: number): void {
  const next = endedLeftOf(oldest, state)[0];
  world.oldestEndedIs(state, next?.at ?? (state.ended.count > 0 ? now : undefined));
}

function endedLeftOf(oldest: OldestKept, state: PoolState): readonly Kept[] {
  return (oldest.ended.get(state.doc.pool) ?? []).filter(({ id }) => {
    const ref = parseEntityRef(id);
    return ref !== undefined && state.entities[ref.kind].has(ref.id);
  });
}

/** Forgets outcomes that are old enough, or too many; returns how many of the oldest. */
function forgetOutcomes(world: World, page: readonly Kept[], until: number, now: number): number {
  const { outcomes, settings } = world;
  if (page.length === 0 || (outcomesDue(world) ?? Number.POSITIVE_INFINITY) > until) return 0;
  const candidates = page.slice(0, OUTCOMES_FORGOTTEN_AT_ONCE);
  const tooMany = outcomes.count - settings.outcomeRetentionCount;
  const kept = candidates.findIndex(({ at }, i) => i >= tooMany && at + settings.outcomeRetentionMs > now);
  const forgotten = kept === -1 ? candidates.length : kept;
  outcomes.count -= forgotten;
  outcomes.oldestAt = page[forgotten]?.at ?? (outcomes.count > 0 ? now : undefined);
  return forgotten;
}

function reportOf(events: readonly AppliedEvent[]): SweepReport {
  const report: SweepReport = {
    released: [],
    failed: [],
    cancelled: [],
    unblocked: [],
    expiredMembers: [],
    removedTasks: 0,
    removedPools: 0,
    closed: [],
    removedEntities: 0,
    forgottenOutcomes: 0,
    more: false,
  };
  for (const { pool, event } of events) {
    const kind = kindOf(event);
    if (kind !== undefined && event.type.endsWith('.removed')) report.removedEntities++;
    else if (kind !== undefined && !isInternal(event))
      report.closed.push({ pool, entity: entityRef(kind, event.id), event: event.type });
    switch (event.type) {
      case 'task.expired':
      case 'task.released':
        report.released.push({ pool, taskId: event.id, agent: event.data.agent, epoch: event.data.epoch });
        break;
      case 'task.failed':
        report.failed.push({ pool, taskId: event.id, cause: event.data.cause });
        break;
      case 'task.cancelled':
        report.cancelled.push({ pool, taskId: event.id });
        break;
      case 'task.unblocked':
        report.unblocked.push({ pool, taskId: event.id });
        break;
      case 'member.expired':
        report.expiredMembers.push({ pool, agent: event.id });
        break;
      case 'task.removed':
        report.removedTasks++;
        break;
      case 'pool.removed':
        report.removedPools++;
        break;
    }
  }
  return report;
}
