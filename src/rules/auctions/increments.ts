/** By how much a bid of an English auction must beat the standing price. */
import { type Amount, parseAmount } from '../amounts.ts';

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
