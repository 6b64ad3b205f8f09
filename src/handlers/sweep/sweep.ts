/**
 * Settles what time has done: claims that expired, deadlines, delays that are over, members that fell silent, and
 * what has been kept long enough. One entity after the other, each on the state that the one before left.
 */

import type { Sweep } from '../../protocol/decisions/index.ts';
import { LARGEST_CONSEQUENCE_BYTES, MAX_EFFECT_BYTES, MINUTE_MS } from '../../protocol/limits.ts';
import { pushAll } from '../../protocol/lists.ts';
import { endOfOffer } from '../../protocol/offers.ts';
import type { SweepData } from '../../protocol/outcome-data.ts';
import { afterSweep } from '../../protocol/settings.ts';
import { endWithPool } from '../delegations/due.ts';
import { Budget } from '../kernel/consequences/budget.ts';
import { fenceAt } from '../kernel/consequences/fences.ts';
import { settleInTurn, settlePool } from '../kernel/consequences/settle.ts';
import { Effects } from '../kernel/consequences/weights.ts';
import type { EndedStay } from '../kernel/decided.ts';
import type { DomainEvent } from '../kernel/events.ts';
import type { Context } from '../kernel/handler.ts';
import { offerEnded } from '../offers/ended.ts';
import { matchPools } from '../offers/match-pools.ts';
import { presenceLapsed } from '../pools/guards.ts';
import { endOfMembership, silence } from '../pools/membership.ts';
import type { Due } from '../world/due.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { AppliedEvent, World } from '../world/world.ts';
import { lapseEntity } from './lapse-entity.ts';
import {
  firstBeyondBytes,
  type KeptOutcome,
  keepsTooMuch,
  moveOldest,
  type OldestKept,
  overdue,
} from './retention.ts';
import { reportOf } from './sweep-report.ts';

export type { Kept, KeptOutcome, OldestKept } from './retention.ts';
export { NOTHING_OLD } from './retention.ts';

export const SWEEP_LIMIT = 500;
/** Most outcomes that one Sweep forgets, and so how many of the oldest it needs to see (one more). */
export const OUTCOMES_FORGOTTEN_AT_ONCE = 5_000;

/** The same of buckets that have been full for a while. */
const BUCKETS_FORGOTTEN_AT_ONCE = 5_000;

export interface Swept {
  readonly events: readonly AppliedEvent[];
  readonly data: SweepData;
  readonly forgottenOutcomes: number;
}

export function applySweep(world: World, sweep: Sweep, context: Context, oldest: OldestKept): Swept {
  const { now, seq } = context;
  if (sweep.settings !== undefined || sweep.heapBytes !== undefined) {
    world.changeSettings(afterSweep(world.settings, sweep.settings, sweep.heapBytes));
  }
  const until = Math.min(sweep.until ?? now, now);
  const limit = sweep.limit ?? SWEEP_LIMIT;
  const effects = new Effects();
  const budget = new Budget(world.settings.consequencesAtOnce, effects);
  const sweeping = { world, oldest, until, now, effects, budget, limit, context };
  const events = settleDue(sweeping);
  removeBeyondBytes(sweeping, events);
  world.reckonTurns(seq);
  budget.cap(limit - events.length);
  const matches = new Budget(limit - events.length);
  pushAll(events, settleInTurn(world, { now, seq }, budget, matches));
  matches.cap(limit - events.length);
  pushAll(events, matchPools(world, world.takeUnmatched(), now, matches));
  world.buckets.forget(until, BUCKETS_FORGOTTEN_AT_ONCE);
  const forgottenOutcomes = forgetOutcomes(world, oldest.outcomes, until, now);
  const more = (nextDue(world) ?? Number.POSITIVE_INFINITY) <= until;
  return { events, data: reportOf(events, { forgottenOutcomes, more }), forgottenOutcomes };
}

interface Sweeping {
  readonly world: World;
  readonly oldest: OldestKept;
  readonly until: number;
  readonly now: number;
  readonly context: Context;
  readonly effects: Effects;
  /** For what follows from what was due. */
  readonly budget: Budget;
  /** Most events of the Sweep, of what was due and of what follows from it together. */
  readonly limit: number;
}

/** Most of what is due in one pool that is settled before the next pool has its turn. */
const IN_A_ROW = 50;

/** Goes round the pools: what is due in one does not wait for all that is due in another. */
function settleDue(sweeping: Sweeping): AppliedEvent[] {
  const { limit } = sweeping;
  const events: AppliedEvent[] = [];
  for (let isMoving = true; isMoving && events.length < limit; ) {
    isMoving = false;
    const pools = sweeping.world.duePools(sweeping.until, limit);
    for (const [i, pool] of pools.entries()) {
      const room = limit - events.length;
      if (room <= 0 || isHeavy(sweeping)) return events;
      const share = Math.max(1, Math.min(IN_A_ROW, Math.floor(room / (pools.length - i))));
      const settled = settleDueIn(sweeping, pool, share, events);
      isMoving ||= settled > 0;
    }
  }
  return events;
}

/** Another one could weigh more than a message may. */
function isHeavy({ effects }: Sweeping): boolean {
  return effects.bytes + LARGEST_CONSEQUENCE_BYTES > MAX_EFFECT_BYTES;
}

/**
 * One thing after the other, each with what follows from it, so that what falls due later finds what it would have found
 * in time. Returns how much of what was due it settled.
 */
function settleDueIn(sweeping: Sweeping, pool: string, most: number, events: AppliedEvent[]): number {
  const { world, oldest, until, now, effects, budget, limit } = sweeping;
  const owesAlready = world.owes(pool);
  let settled = 0;
  for (let due = world.nextDueIn(pool, until); due !== undefined; due = world.nextDueIn(pool, until)) {
    const state = world.pool(pool);
    if (state === undefined || settled >= most || events.length >= limit || isHeavy(sweeping)) break;
    const room = Math.min(most - settled, limit - events.length);
    const happened = settle(world, state, due, oldest, room, until, now);
    if (happened.length === 0) break;
    const stay = due.what === 'member' ? silentMember(state, due) : undefined;
    const applied = happened.map((event) => world.apply(pool, event, now));
    if (stay !== undefined) world.fence(pool, due.id, fenceAt(stay, sweeping.context));
    effects.add(world, applied);
    settled += applied.length;
    for (const event of applied) events.push(event);
    budget.cap(limit - events.length);
    if (!owesAlready) for (const event of settlePool(world, pool, now, budget)) events.push(event);
    if (due.what === 'retention') moveOldest(world, state, due.group, oldest, now);
  }
  return settled;
}

/** The oldest of what has ended, one by one, until the rest is only a shard may keep. */
function removeBeyondBytes({ world, oldest, now, limit }: Sweeping, events: AppliedEvent[]): void {
  while (events.length < limit) {
    const next = firstBeyondBytes(world, oldest);
    if (next === undefined) return;
    const { state, group, event } = next;
    events.push(world.apply(state.doc.pool, event, now));
    moveOldest(world, state, group, oldest, now);
  }
}

/** The earliest time at which a Sweep of this shard has something to do. */
export function nextDue(world: World): number | undefined {
  const ofKept = keepsTooMuch(world) ? world.firstKeeping?.at : undefined;
  const ofDocuments = earlier(world.nextDue(), ofKept);
  return earlier(earlier(ofDocuments, outcomesDue(world)), world.buckets.nextDue());
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function outcomesDue({ outcomes, settings }: World): number | undefined {
  if (outcomes.oldestAt === undefined) return undefined;
  if (outcomes.count > settings.outcomeRetentionCount || outcomes.bytes > settings.outcomeRetentionBytes)
    return outcomes.oldestAt;
  const slackMs = Math.min(MINUTE_MS, Math.ceil(settings.outcomeRetentionMs / 10));
  return outcomes.oldestAt + settings.outcomeRetentionMs + slackMs;
}

/** The stay that ends because nothing was heard of the member; undefined where a fence has ended it already. */
function silentMember(state: PoolState, { id, at }: Due): EndedStay | undefined {
  const member = state.membership(id);
  return member === undefined || !presenceLapsed(member, at) ? undefined : silence(member);
}

/**
 * The change of one entity that fell due. Later effects of time on it fall due in their turn, so that
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
  switch (due.what) {
    case 'member': {
      const stay = silentMember(state, due);
      const member = state.members.get(due.id);
      if (member === undefined) return [];
      const fence = state.fenceOf(due.id, { order: member.order, at: member.joinedAt }) ?? stay;
      return fence === undefined ? [] : [endOfMembership(member, fence)];
    }
    case 'offer': {
      const offer = state.offers.byKey(due.id);
      const why = offer && (state.fenceOfOffer(offer)?.why ?? endOfOffer(offer).why);
      return offer === undefined || why === undefined ? [] : [offerEnded(state, offer, why)];
    }
    case 'entity':
      return lapseEntity(state, due, due.at, now);
    case 'retention':
      return overdue(world, state, due.group, oldest, limit, until);
    case 'removal':
      if (state.delegations.size > 0) return endWithPool(state, limit);
      if (state.offers.size > 0) return offersEnded(state, limit);
      return state.members.size > 0
        ? [...state.members.keys()]
            .sort()
            .slice(0, limit)
            .map((id) => ({ type: 'member.left', id, data: {} }))
        : [{ type: 'pool.removed', id: state.doc.pool, data: {} }];
  }
}

function offersEnded(state: PoolState, most: number): readonly DomainEvent[] {
  const first = state.offers.keys().slice(0, most);
  return first.flatMap((key) => {
    const offer = state.offers.byKey(key);
    return offer === undefined ? [] : [offerEnded(state, offer, 'removed')];
  });
}

/** Forgets outcomes that are old enough, or too many; returns how many of the oldest. */
function forgetOutcomes(world: World, page: readonly KeptOutcome[], until: number, now: number): number {
  const { outcomes, settings } = world;
  if (page.length === 0 || (outcomesDue(world) ?? Number.POSITIVE_INFINITY) > until) return 0;
  const { outcomeRetentionMs, outcomeRetentionCount, outcomeRetentionBytes } = settings;
  let forgotten = 0;
  for (const { at, bytes } of page.slice(0, OUTCOMES_FORGOTTEN_AT_ONCE)) {
    const isTooMuch = outcomes.count > outcomeRetentionCount || outcomes.bytes > outcomeRetentionBytes;
    if (!isTooMuch && at + outcomeRetentionMs > now) break;
    outcomes.count--;
    outcomes.bytes -= bytes;
    forgotten++;
  }
  outcomes.oldestAt = page[forgotten]?.at ?? (outcomes.count > 0 ? now : undefined);
  return forgotten;
}
