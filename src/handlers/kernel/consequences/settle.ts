/**
 * Consequences: what follows from the state that decisions leave, not from the decisions themselves. A message settles a
 * bounded number of them; the rest is owed, and is applied by further messages in the same order. What is owed is a
 * function of the documents: nothing lists it.
 */
import { type Cause, EVERYWHERE, parseFenceKey } from '../../../protocol/marks.ts';
import { causeOfHandover, nextHandover } from '../../auctions/handovers.ts';
import { causeOfLeftOver, nextLeftOver } from '../../delegations/left-over.ts';
import { offerEnded } from '../../offers/ended.ts';
import { matchPool } from '../../offers/match-pools.ts';
import { nextDependent } from '../../tasks/dependents.ts';
import { lapse } from '../../tasks/lapse.ts';
import type { PoolState } from '../../world/pool-state.ts';
import type { AppliedEvent, World } from '../../world/world.ts';
import type { DomainEvent } from '../events.ts';
import { Budget } from './budget.ts';
import { applyBecause } from './named.ts';
import { endOfVoid } from './void.ts';
import type { Effects } from './weights.ts';

/** Settles what a pool owes, as far as the budget goes. */
export function settlePool(world: World, pool: string, now: number, budget: Budget): AppliedEvent[] {
  const events: AppliedEvent[] = [];
  for (let state = world.pool(pool); state !== undefined && !budget.isSpent; state = world.pool(pool)) {
    const { happened, because } = nextConsequence(state, now);
    if (happened.length === 0) break;
    const applied = happened.map((event) => applyBecause(world, pool, event, now, because));
    budget.spend(world, applied);
    for (const event of applied) events.push(event);
  }
  return events;
}

/**
 * Settles what the pools of the shard owe: the one that has waited longest first, each until it owes nothing. One that is
 * not done with when a budget is spent waits behind the others from there on. `matches`: for tasks that are handed over.
 */
export function settleInTurn(
  world: World,
  { now, seq }: { readonly now: number; readonly seq: number },
  budget: Budget,
  matches: Budget,
): AppliedEvent[] {
  const events: AppliedEvent[] = [];
  const served = new Set<string>();
  for (let next = world.nextOwing(); next !== undefined; next = world.nextOwing()) {
    if (budget.isSpent || matches.isSpent || served.has(next.pool)) break;
    served.add(next.pool);
    for (const event of settleTurn(world, next.pool, now, budget)) events.push(event);
    for (const event of matchPool(world, next.pool, now, matches)) events.push(event);
    world.endTurn(next.pool, seq);
  }
  return events;
}

/** A budget for what a decision in a pool causes: nothing where the pool owes already, for that comes first. */
export function budgetIn(world: World, pool: string, effects?: Effects): Budget {
  return new Budget(world.owes(pool) ? 0 : world.settings.consequencesAtOnce, effects);
}

/** Settles for the one that has the turn: a pool, or a ban from all of them, which goes through what the agent has in each. */
export function settleTurn(world: World, turn: string, now: number, budget: Budget): AppliedEvent[] {
  const { pool, agent } = parseFenceKey(turn);
  if (pool !== EVERYWHERE) return settlePool(world, turn, now, budget);
  const events: AppliedEvent[] = [];
  for (
    let name = world.nextUntold(agent);
    name !== undefined && !budget.isSpent;
    name = world.nextUntold(agent)
  ) {
    const settled = settlePool(world, name, now, budget);
    // Something void always has an end to settle; if ever it had none, asking again would never end.
    if (settled.length === 0) break;
    for (const event of settled) events.push(event);
  }
  return events;
}

interface Consequence {
  readonly happened: readonly DomainEvent[];
  readonly because?: Cause | undefined;
}

/** What comes first of all that a pool owes, as events, and from what it follows; none when it owes nothing. */
function nextConsequence(state: PoolState, now: number): Consequence {
  const gone = state.void.first();
  if (gone !== undefined) return { happened: endOfVoid(state, gone, now), because: gone.fence };
  const ending = state.firstEnding();
  if (ending !== undefined)
    return { happened: lapse(state, ending, now).events, because: ending.because ?? state.doc.because };
  const failing = state.offers.firstFailing;
  if (failing !== undefined) return { happened: [offerEnded(state, failing, 'not_started')] };
  const leftOver = nextLeftOver(state, now);
  if (leftOver !== undefined) return { happened: [leftOver], because: causeOfLeftOver(state) };
  const dependent = nextDependent(state, now);
  if (dependent !== undefined)
    return { happened: [dependent], because: state.dependents.unsettled.peek()?.because };
  return { happened: nextHandover(state, now), because: causeOfHandover(state) };
}
