import { LogDivergedError } from '../../lib/errors.ts';
import type { ConvergeEvent } from '../../protocol/event.ts';

/** Where an event stands: its number in its pool, and the place in the log of the decision that caused it. */
interface Numbered {
  readonly number: number;
  readonly cause: number;
}

/**
 * Notices events that are left out. Of one pool, by the number that each event of a pool has; of all pools, by the
 * position in the stream, of which they are everything. An event may come again; then it has a number that was seen.
 */
export class EventGaps {
  readonly #pool: string | undefined;
  #position: number | undefined;
  #latest: Numbered | undefined;

  constructor(pool: string | undefined) {
    this.#pool = pool;
  }

  /** Throws a {@link LogDivergedError} when what stands between the event before and this one was not delivered. */
  check(position: number, event: ConvergeEvent | undefined): void {
    if (this.#pool === undefined) this.#checkPosition(position);
    else if (event !== undefined) this.#checkNumber(this.#pool, event);
  }

  #checkPosition(position: number): void {
    const before = this.#position;
    this.#position = position;
    if (before !== undefined && position > before + 1)
      throw missing('events at positions', before + 1, position - 1);
  }

  #checkNumber(pool: string, event: ConvergeEvent): void {
    const next = numbered(event);
    if (next === undefined) return;
    const latest = this.#latest;
    // A pool that was removed and made again begins at 1, by a later decision than all before.
    const isNewPool = next.number === 1 && next.cause > (latest?.cause ?? 0);
    if (latest !== undefined && !isNewPool && next.number <= latest.number) return;
    this.#latest = next;
    if (latest !== undefined && !isNewPool && next.number > latest.number + 1)
      throw missing(`events of pool ${pool} with the numbers`, latest.number + 1, next.number - 1);
  }
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
