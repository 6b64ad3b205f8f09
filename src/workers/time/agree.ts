/**
 * Finds the true time from several clocks of which some may be wrong. Each is read as an offset: how far it is ahead of
 * the monotonic clock of the one who looks, which never steps. Clocks that are right then say the same offset, however
 * long ago each was read, and one that has stepped says another one than before.
 *
 * The answer is the middle of the smallest interval that more than half of all voters share. One voter is what was agreed
 * before, carried on by the monotonic clock: a clock that stepped contradicts it, a clock that did not bears it out. So
 * neither a single clock nor two of three that step together move the time. When most of all clocks step at once, which
 * is what a machine does whose time was set, they are believed.
 */

export interface Reading {
  /** Whose clock it is. */
  readonly clock: string;
  /** Processes of one machine have one clock. */
  readonly machine: string;
  /** Between these two lies what the clock shows more than the monotonic one, milliseconds. */
  readonly low: number;
  readonly high: number;
}

export interface Agreement {
  /** How far the true time is ahead of the monotonic clock, milliseconds. */
  readonly offsetMs: number;
  /** How far the clocks that agree are apart. */
  readonly spreadMs: number;
}

/**
 * Clocks that nobody keeps in step are seconds apart without anything being wrong, and nothing stops for that: what is
 * stopped lies ten seconds ahead.
 */
export const MOST_SPREAD_MS = 5_000;
/** A clock that is further from the time than this is wrong. */
export const WRONG_FROM_MS = 1_000;

/** Undefined when the clocks do not agree, or when there is but one. `before` is what was agreed before, if it is recent. */
export function agree(
  readings: readonly Reading[],
  before?: Agreement,
  /** Voters that are known and were not heard: they bear nothing out. */
  silent = 0,
): Agreement | undefined {
  const machines = new Map<string, Reading[]>();
  for (const reading of readings) {
    const known = machines.get(reading.machine);
    if (known === undefined) machines.set(reading.machine, [reading]);
    else known.push(reading);
  }
  // On one machine there is one clock, and each process may still read it wrong. Of several machines each has one vote.
  const isOneMachine = machines.size === 1;
  const voters: Voter[] = isOneMachine ? [...readings] : [...machines.values()].flatMap(oneOf);
  let count = silent + (isOneMachine ? readings.length : machines.size);
  if (before !== undefined) {
    voters.push({ low: before.offsetMs, high: before.offsetMs });
    count++;
  }
  return smallest(voters, Math.max(2, Math.floor(count / 2) + 1));
}

/** How far a clock is from the time at least: 0 when it may be right, below 0 when it is behind. */
export function skewOf(
  { low, high }: Pick<Reading, 'low' | 'high'>,
  { offsetMs, spreadMs }: Agreement,
): number {
  const [from, to] = [offsetMs - spreadMs / 2, offsetMs + spreadMs / 2];
  if (low > to) return low - to;
  return high < from ? high - from : 0;
}

type Voter = Pick<Reading, 'low' | 'high'>;

/** The clock of a machine; none where its processes contradict each other: it bears nothing out. */
function oneOf(readings: readonly Reading[]): Voter[] {
  if (readings.length === 1) return [...readings];
  const shared = smallest(readings, Math.floor(readings.length / 2) + 1);
  if (shared === undefined) return [];
  const { offsetMs, spreadMs } = shared;
  return [{ low: offsetMs - spreadMs / 2, high: offsetMs + spreadMs / 2 }];
}

/** The smallest interval that so many voters reach into: it begins where one of them ends. */
function smallest(voters: readonly Voter[], needed: number): Agreement | undefined {
  let best: { readonly from: number; readonly to: number } | undefined;
  for (const { high: from } of voters) {
    const lows = voters.flatMap(({ low, high }) => (high >= from ? [low] : [])).sort((a, b) => a - b);
    const to = lows[needed - 1];
    if (to !== undefined && (best === undefined || to - from < best.to - best.from)) best = { from, to };
  }
  if (best === undefined) return undefined;
  const spreadMs = Math.max(0, best.to - best.from);
  return spreadMs > MOST_SPREAD_MS ? undefined : { offsetMs: (best.from + best.to) / 2, spreadMs };
}
