/**
 * Compresses recorded time. The order stays, and so do the bursts; spells in which the cluster was all but idle (three
 * quarters of the published trace) are shortened to an hour each, because nobody wants to watch them.
 */
const LONGEST_GAP_SECONDS = 3_600;

/** Seconds in ascending order become milliseconds from 0 to `playMs`. */
export function compressed(seconds: readonly number[], playMs: number): number[] {
  let total = 0;
  const offsets = seconds.map((at, i) => {
    const before = seconds[i - 1] ?? at;
    total += Math.min(at - before, LONGEST_GAP_SECONDS);
    return total;
  });
  return offsets.map((offset) => (total === 0 ? 0 : Math.round((offset / total) * playMs)));
}

/** Recorded seconds are played as milliseconds, within bounds. */
export function playedMs(seconds: number, least: number, most: number): number {
  return Math.min(Math.max(seconds, least), most);
}
