/**
 * Every price rule is written once, in terms of the opener's interest. A forward auction sells:
 * more is better. A reverse auction buys: less is better, the reserve is the most that is acceptable, and an increment
 * is taken off. A better price for the opener is a worse one for the winner.
 */
import { type Amount, MAX_AMOUNT } from '../amounts.ts';

/** Which bid is better: the higher one (`forward`) or the lower one (`reverse`). */
export type Direction = 'forward' | 'reverse';

/** Is `a` strictly better for the opener than `b`? */
export function beats(direction: Direction, a: Amount, b: Amount): boolean {
  return direction === 'forward' ? a > b : a < b;
}

/** Is `a` at least as good for the opener as `limit`? */
export function reaches(direction: Direction, a: Amount, limit: Amount): boolean {
  return !beats(direction, limit, a);
}

/** Of two amounts, the one that is better for the opener (and so worse for the winner). */
export function betterOf(direction: Direction, a: Amount, b: Amount): Amount {
  return beats(direction, a, b) ? a : b;
}

/** Of two amounts, the one that is worse for the opener (and so better for the winner). */
export function worseOf(direction: Direction, a: Amount, b: Amount): Amount {
  return beats(direction, a, b) ? b : a;
}

/** The worst possible bid for the opener: zero, and in reverse the largest amount. */
export function worstAmount(direction: Direction): Amount {
  return direction === 'forward' ? 0n : MAX_AMOUNT;
}

/** The amount moved by `step` in the opener's favour. In reverse it may fall below zero, where nobody can bid. */
export function improvedBy(direction: Direction, amount: Amount, step: Amount): Amount {
  return direction === 'forward' ? amount + step : amount - step;
}
