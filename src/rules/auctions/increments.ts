/** By how much a bid of an English auction must beat the standing price. */
import { type Amount, parseAmount } from '../amounts.ts';
import { betterOf, type Direction, improvedBy } from './direction.ts';

/** One row of an increment table: at prices below `below` (exclusive) the increment is `step`. */
export interface IncrementStep {
  /** Only the last row may leave it out; it then holds for every higher price. */
  readonly below?: Amount | undefined;
  readonly step: Amount;
}

/** One increment for every price, or a table of rows whose `below` rises. */
export type Increment = Amount | readonly IncrementStep[];

/** Most rows of an increment table. eBay's has ten. */
export const MAX_INCREMENT_STEPS = 64;

/**
 * The increment at a price: the first row whose `below` is above it. Prices above every row keep the step of the last
 * one. An empty table is a RangeError. In a reverse auction the same table gives the decrement.
 */
export function incrementAt(increment: Increment, price: Amount): Amount {
  if (typeof increment === 'bigint') return increment;
  const row = increment.find(({ below }) => below === undefined || price < below) ?? increment.at(-1);
  if (row === undefined) throw new RangeError('an increment table needs at least one row');
  return row.step;
}

/**
 * A price improved by its increment, and never worse than what a price before it came to. A table can have steps that
 * take more off at a higher price than at a lower one (in reverse, eBay's own table does: from 25 down by 1 is 24, from
 * 24.99 down by 0.50 is 24.49); without this, a better second bid would make the winner's price better for the winner.
 */
export function improvedByIncrement(direction: Direction, price: Amount, increment: Increment): Amount {
  let best = improvedBy(direction, price, incrementAt(increment, price));
  if (typeof increment === 'bigint') return best;
  for (const [i, { below }] of increment.entries()) {
    if (below === undefined) break;
    // The price of each row that improves furthest: its last one going up, its first one (of the next row) going down.
    const edge = direction === 'forward' ? below - 1n : below;
    const row = direction === 'forward' ? increment[i] : (increment[i + 1] ?? increment[i]);
    const isBefore = direction === 'forward' ? edge < price : edge > price;
    if (row !== undefined && isBefore)
      best = betterOf(direction, best, improvedBy(direction, edge, row.step));
  }
  return best;
}

/**
 * Reads the `increment` of a decision: an amount, or one to 64 rows `{below, step}` with rising `below` that only the
 * last row may leave out. Increments of zero are legal: then any strictly better bid will do. Undefined if it is none.
 */
export function parseIncrement(value: unknown): Increment | undefined {
  return Array.isArray(value) ? parseTable(value) : parseAmount(value);
}

function parseTable(rows: readonly unknown[]): readonly IncrementStep[] | undefined {
  if (rows.length === 0 || rows.length > MAX_INCREMENT_STEPS) return undefined;
  const table: IncrementStep[] = [];
  for (const row of rows) {
    const parsed = parseStep(row);
    if (parsed === undefined || !mayFollow(table.at(-1), parsed)) return undefined;
    table.push(parsed);
  }
  return table;
}

function parseStep(row: unknown): IncrementStep | undefined {
  if (typeof row !== 'object' || row === null || !('step' in row)) return undefined;
  const step = parseAmount(row.step);
  if (step === undefined) return undefined;
  if (!('below' in row) || row.below === undefined) return { step };
  const below = parseAmount(row.below);
  return below === undefined ? undefined : { below, step };
}

function mayFollow(previous: IncrementStep | undefined, next: IncrementStep): boolean {
  if (previous === undefined) return true;
  if (previous.below === undefined) return false;
  return next.below === undefined || next.below > previous.below;
}
