import { LogDivergedError } from '../../lib/errors.ts';
import type { ConvergeEvent } from '../../protocol/event.ts';

/** Where an event stands: its number in its pool, and the place in the log of the decision that caused it. */
interface Numbered {
  readonly number: number;
  readonly cause: number;
}

/** Pools of which a feed of all pools remembers the latest event; of others a repeat is given out as it comes. */
const MAX_POOLS = 10_000;

/**
 * Notices events that come again, and events that are left out. Of one pool, by the number that each event of a pool has;
 * of all pools, by the position in the stream, of which they are everything. Packs overlap where a replay has cut its
 * commits elsewhere: an event of which the number has been there is a repeat.
 */
export class EventGaps {
  readonly #pool: string | undefined;
  #position: number | undefined;
  /** By source, the one that was heard of longest ago first. */
  readonly #latest = new Map<string, Numbered>();

  constructor(pool: string | undefined) {
    this.#pool = pool;
  }

  /** Throws a {@link LogDivergedError} when packs between the one before and this one were not delivered. */
  checkPosition(position: number): void {
    if (this.#pool !== undefined) return;
    const before = this.#position;
    this.#position = position;
    if (before !== undefined && position > before + 1)
      throw missing('packs of events at positions', before + 1, position - 1);
  }

  /** Throws a {@link LogDivergedError} when events of the pool between the one before and this one were not delivered. */
  isRepeat(event: ConvergeEvent): boolean {
    const next = numbered(event);
    if (next === undefined) return false;
    const latest = this.#latest.get(event.source);
    if (latest !== undefined && isAtOrBefore(next, latest)) return true;
    this.#remember(event.source, next);
    if (this.#pool === undefined || latest === undefined) return false;
    // A pool that was removed and made again begins at 1, by a later decision than all before.
    const expected = next.number > latest.number ? latest.number + 1 : 1;
    if (next.number > expected)
      throw missing(`events of pool ${this.#pool} with the numbers`, expected, next.number - 1);
    return false;
  }

  #remember(source: string, latest: Numbered): void {
    this.#latest.delete(source);
    this.#latest.set(source, latest);
    if (this.#latest.size <= MAX_POOLS) return;
    const [oldest] = this.#latest.keys();
    if (oldest !== undefined) this.#latest.delete(oldest);
  }
}

/** By the log first: the numbers of a pool that was made again are lower ones. */
function isAtOrBefore(next: Numbered, latest: Numbered): boolean {
  return next.cause < latest.cause || (next.cause === latest.cause && next.number <= latest.number);
}

function missing(what: string, first: number, last: number): LogDivergedError {
  return new LogDivergedError(
    `${what} ${first} to ${last} are missing: the stream no longer held them when the feed came to them`,
  );
}

/** Undefined where it has none: only the workers write events, unless the permissions say otherwise. */
function numbered({ sequence, id }: ConvergeEvent): Numbered | undefined {
  const number = Number(sequence);
  const cause = Number(id.split('-')[1]);
  return Number.isSafeInteger(number) && number > 0 && Number.isSafeInteger(cause)
    ? { number, cause }
    : undefined;
}

/** Nothing of the pool can be missing before it. */
export function isFirstOfPool(event: ConvergeEvent): boolean {
  return numbered(event)?.number === 1;
}
