import type { Due } from './due.ts';
import type { PoolState } from './pool-state.ts';

/**
 * How many different things are over by now, of those that what has fallen due says, and of those that are known already; no
 * more than are asked for.
 */
export function countDueByNow(
  state: PoolState,
  now: number,
  most: number,
  over: (due: Due) => readonly string[],
  known: readonly string[] = [],
): number {
  if (most <= 0) return 0;
  const found = new Set(known);
  for (const due of state.due.inOrder()) {
    if (due.at > now || found.size >= most) break;
    for (const id of over(due)) found.add(id);
  }
  return Math.min(most, found.size);
}
