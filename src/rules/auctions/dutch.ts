/** Dutch auction: the price comes to the bidders, and the first to say yes has it. */
import type { Amount } from '../amounts.ts';
import { type Direction, improvedBy, reaches, worstAmount } from './direction.ts';

/** How the price of a Dutch auction moves. `stepMs` in milliseconds. */
export interface DutchRules {
  readonly direction: Direction;
  readonly startPrice: Amount;
  /** By how much the price falls (rises in reverse) at the end of every `stepMs`. */
  readonly step: Amount;
  readonly stepMs: number;
  /** Where the price stops. Left out: at zero, in reverse at the largest amount. */
  readonly reserve?: Amount | undefined;
}

/** Whether a bid takes the lot, and at what price; or why not. */
export type DutchAnswer =
  | { readonly accepted: true; readonly price: Amount }
  | { readonly accepted: false; readonly code: 'bid_too_low'; readonly required: Amount };

/**
 * The price at `nowMs` of an auction opened at `openedAtMs` (both milliseconds since the epoch): it starts at
 * `startPrice` and falls by `step` after every full `stepMs` down to the reserve; a reverse one rises up to it. At or
 * before the opening it is `startPrice`. Times and `stepMs` must be safe integers and `stepMs` positive (RangeError).
 */
export function dutchPriceAt(rules: DutchRules, openedAtMs: number, nowMs: number): Amount {
  const { direction, startPrice, step, stepMs } = rules;
  if (!Number.isSafeInteger(stepMs) || stepMs <= 0)
    throw new RangeError(`stepMs must be positive: ${stepMs}`);
  const elapsedMs = nowMs - openedAtMs;
  if (!Number.isSafeInteger(elapsedMs)) throw new RangeError(`not a time: ${openedAtMs}, ${nowMs}`);
  const steps = elapsedMs <= 0 ? 0n : BigInt(Math.floor(elapsedMs / stepMs));
  const price = improvedBy(direction, startPrice, -(step * steps));
  const end = rules.reserve ?? worstAmount(direction);
  return reaches(direction, price, end) ? price : end;
}

/**
 * The first bid takes it at the price of that moment, whatever more it offered: `amount` is the most that the bidder
 * would pay (the least that it would take, in reverse). A bid that does not reach the price is `bid_too_low`, and the
 * auction goes on.
 */
export function placeDutchBid(
  rules: DutchRules,
  openedAtMs: number,
  bid: { readonly amount: Amount; readonly atMs: number },
): DutchAnswer {
  const price = dutchPriceAt(rules, openedAtMs, bid.atMs);
  if (!reaches(rules.direction, bid.amount, price)) {
    return { accepted: false, code: 'bid_too_low', required: price };
  }
  return { accepted: true, price };
}
