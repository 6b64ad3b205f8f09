/** Matches what may have come together with a message, as far as one message may; the rest falls due at once. */
import type { Budget } from '../kernel/consequences/budget.ts';
import type { AppliedEvent, World } from '../world/world.ts';
import { Matching } from './matching.ts';

export function matchPools(
  world: World,
  pools: readonly string[],
  now: number,
  budget: Budget,
): AppliedEvent[] {
  const events: AppliedEvent[] = [];
  for (const pool of pools) for (const event of matchPool(world, pool, now, budget)) events.push(event);
  return events;
}

export function matchPool(world: World, pool: string, now: number, budget: Budget): AppliedEvent[] {
  const state = world.pool(pool);
  const stirred = world.takeStirred(pool);
  const events: AppliedEvent[] = [];
  let isDue = false;
  if (state !== undefined && stirred !== undefined) {
    const matching = new Matching(state, stirred, now);
    while (!isDue && state.handsOver) {
      // Whether there is one more is not looked at: what is owed must not depend on how much is remembered.
      isDue = budget.isSpent;
      const matched = isDue ? [] : matching.next();
      if (matched.length === 0) break;
      const applied = matched.map((event) => world.apply(pool, event, now));
      budget.spend(world, applied);
      for (const event of applied) events.push(event);
    }
  }
  world.matchesAreDue(pool, isDue);
  return events;
}
