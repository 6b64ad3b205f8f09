/** Sealed bids: nobody sees another's bid before the close. */
import type { Amount } from '../amounts.ts';
import { type Bid, rankBids } from './bids.ts';
import { betterOf, type Direction, reaches } from './direction.ts';
import { meetsReserve, openingPrice, type Settlement, type SettlementRules, settle } from './settlement.ts';

/**
 * One sealed bid in the order of the log: `bid_too_low` if it is worse than `startPrice`, which all may know. The reserve
 * is the opener's secret, so a bid that does not meet it is taken all the same.
 */
export type SealedAnswer =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly code: 'bid_too_low'; readonly required: Amount };

/** The bids of a sealed auction after one more: a later bid of the same bidder replaces the one before. */
export function placeSealedBid(
  { direction, startPrice }: Pick<SettlementRules, 'direction' | 'startPrice'>,
  amount: Amount,
): SealedAnswer {
  if (startPrice === undefined || reaches(direction, amount, startPrice)) return { accepted: true };
  return { accepted: false, code: 'bid_too_low', required: startPrice };
}

/** The bids that can win, best first: one per bidder (its last), those that do not meet the reserve left out. */
export function rankSealedBids(bids: readonly Bid[], direction: Direction, reserve?: Amount): readonly Bid[] {
  return rankBids(bids, direction).filter(({ amount }) => meetsReserve(amount, { direction, reserve }));
}

/**
 * First-price sealed-bid auction: the best bid that meets the reserve wins and pays itself; of equal bids the earlier
 * in the log. A bidder's last bid replaces its earlier ones and ranks by its own time.
 */
export function firstPrice(bids: readonly Bid[], rules: SettlementRules): Settlement {
  const ranked = rankBids(bids, rules.direction, rules.exclude, rules.startPrice);
  return settle(ranked, rules, (best) => best.amount);
}

/**
 * Second-price sealed-bid auction (Vickrey, "Counterspeculation, auctions, and competitive sealed tenders", 1961): the
 * best bid wins and pays the second-best, or the reserve or `startPrice` if that is worse for the winner.
 *
 * A lone bidder pays the worse for it of reserve and `startPrice`; without both it pays nothing, and in a reverse auction
 * it is paid the largest amount there is: who buys without a limit has set none. So nobody's further bid makes the
 * winner pay less, and bidding one's true value is the best one can do against whatever the others bid.
 */
export function secondPrice(bids: readonly Bid[], rules: SettlementRules): Settlement {
  const ranked = rankBids(bids, rules.direction, rules.exclude, rules.startPrice);
  const [, second] = ranked;
  const opening = openingPrice(rules);
  return settle(ranked, rules, () =>
    second === undefined ? opening : betterOf(rules.direction, second.amount, opening),
  );
}
