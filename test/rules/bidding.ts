/** Bids for tests: amounts in whole units, and arbitrary lists of them. */
import fc from 'fast-check';
import { type Amount, type Bid, type Direction, parseAmount } from '../../src/rules/index.ts';

export function amount(value: number | string): Amount {
  const parsed = parseAmount(value);
  if (parsed === undefined) throw new Error(`not an amount: ${value}`);
  return parsed;
}

/** `bids(['ann', 5], ['bob', 7])`: in the order of the log. */
export function bids(...list: readonly (readonly [bidder: string, amount: number])[]): readonly Bid[] {
  return list.map(([bidder, value], order) => ({ bidder, amount: amount(value), order }));
}

export const anyDirection = fc.constantFrom<Direction[]>('forward', 'reverse');

/** Small amounts, so that equal ones are common. */
export const smallAmount = fc.bigInt({ min: 0n, max: 12n });

/** Bids of up to six bidders, each of whom may bid several times. */
export const anyBids: fc.Arbitrary<readonly Bid[]> = fc
  .array(fc.tuple(fc.constantFrom('ann', 'bob', 'cid', 'dot', 'eve', 'fay'), smallAmount), { maxLength: 12 })
  .map((list) => list.map(([bidder, value], order) => ({ bidder, amount: value, order })));

/** The same bids seen in a mirror: what was more is less by as much. */
export function mirrored(list: readonly Bid[], around: Amount): readonly Bid[] {
  return list.map((bid) => ({ ...bid, amount: around - bid.amount }));
}

export function opposite(direction: Direction): Direction {
  return direction === 'forward' ? 'reverse' : 'forward';
}
