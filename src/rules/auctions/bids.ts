/** Bids, and how they rank. */
import { type Amount, compareAmounts } from '../amounts.ts';
import { type Direction, reaches } from './direction.ts';

/** One bid of one bidder. */
export interface Bid {
  readonly bidder: string;
  readonly amount: Amount;
  /** Place in the log: of two equal amounts the lower order ranks first. No two bids share one. */
  readonly order: number;
}

/**
 * One bid of each bidder, best for the opener first; equal amounts in the order of the log. Of several bids by one
 * bidder the last in the log counts: a replacement ranks by its own time, and in an English auction each accepted bid
 * of a bidder is better than its one before.
 *
 * `exclude` leaves bidders out as if they had never bid: winners that let the task's claim expire unstarted. Bids worse
 * than `startPrice` were never taken, and are left out as well.
 */
export function rankBids(
  bids: readonly Bid[],
  direction: Direction,
  exclude: ReadonlySet<string> = new Set(),
  startPrice?: Amount,
): readonly Bid[] {
  const latest = new Map<string, Bid>();
  for (const bid of bids) {
    if (exclude.has(bid.bidder)) continue;
    if (startPrice !== undefined && !reaches(direction, bid.amount, startPrice)) continue;
    const known = latest.get(bid.bidder);
    if (known === undefined || bid.order > known.order) latest.set(bid.bidder, bid);
  }
  const sign = direction === 'forward' ? -1 : 1;
  return [...latest.values()].sort((a, b) => sign * compareAmounts(a.amount, b.amount) || a.order - b.order);
}
