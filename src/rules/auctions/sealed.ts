/** Sealed bids: nobody sees another's bid before the close. */
import type { Amount } from '../amounts.ts';
import { type Bid, rankBids } from './bids.ts';
import { betterOf, type Direction, worseOf } from './direction.ts';
import { meetsReserve, type Settlement, type SettlementRules, settle } from './settlement.ts';

export interface SecondPriceRules extends SettlementRules {
  /** What a lone bidder pays in a forward auction without a reserve. It acts on nothing else. */
  readonly startPrice?: Amount | undefined;
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
  const ranked = rankBids(bids, rules.direction, rules.exclude);
  return settle(ranked, rules, (best) => best.amount);
}

/**
 * Second-price sealed-bid auction (Vickrey, "Counterspeculation, auctions, and competitive sealed tenders", 1961): the
 * best bid wins and pays the second-best, or the reserve if that is worse for the winner.
 *
 * A lone bidder pays the reserve, else `startPrice`, else 0; in a reverse auction without a reserve it is paid its own
 * bid. Nobody pays worse than its own bid, so a lone bid below `startPrice` pays itself. Bidding one's true value is
 * the best one can do against whatever the others bid; the two exceptions are the lone bidder in reverse without a
 * reserve, and the lone bidder below `startPrice`. A reserve has neither flaw.
 */
export function secondPrice(bids: readonly Bid[], rules: SecondPriceRules): Settlement {
  const { direction, reserve } = rules;
  const ranked = rankBids(bids, direction, rules.exclude);
  const [, second] = ranked;
  return settle(ranked, rules, (best) => {
    if (second === undefined) return lonePrice(best.amount, rules);
    return reserve === undefined ? second.amount : betterOf(direction, second.amount, reserve);
  });
}

function lonePrice(bid: Amount, { direction, reserve, startPrice }: SecondPriceRules): Amount {
  if (reserve !== undefined) return reserve;
  if (direction === 'reverse') return bid;
  return worseOf(direction, bid, startPrice ?? 0n);
}
