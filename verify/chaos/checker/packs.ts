/** What a pack says of itself has to be what it holds: by that, repeats are known and overlaps are cut. */
import type { StoredPack } from './testimony.ts';

/** What is wrong with it; undefined where nothing is. */
export function faultOfPack({ id, first, last, count, subject, events }: StoredPack): string | undefined {
  const [start] = events;
  const end = events.at(-1);
  if (start === undefined || end === undefined) return 'it holds nothing';
  if (id !== `${start.id}_${end.id}`) return `its events are ${start.id} to ${end.id}`;
  if (first !== start.sequence || last !== end.sequence)
    return `its headers say ${first} to ${last}, its events have ${start.sequence} to ${end.sequence}`;
  if (count !== String(events.length)) return `its header says ${count} events, it holds ${events.length}`;
  const numbers = events.map(({ sequence }) => Number(sequence));
  // A pool that was removed and made again in one commit begins again.
  if (numbers.some((number, i) => i > 0 && number !== 1 && number !== Number(numbers[i - 1]) + 1))
    return `its events have the numbers ${numbers.join(', ')}`;
  const pool = subject.split('.').at(-1);
  const stranger = events.find(({ source }) => source !== `/pools/${pool}`);
  return stranger === undefined
    ? undefined
    : `it is published for ${pool} and holds an event of ${stranger.source}`;
}
