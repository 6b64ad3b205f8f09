/** The result of an auction at its close. */
import type { Amount } from '../amounts.ts';
import type { Bid } from './bids.ts';
import { betterOf, type Direction, reaches, worstAmount } from './direction.ts';

/** Who won, what it pays, what it bid, and who stood where. */
export interface Sold {
  readonly sold: true;
  readonly winner: string;
  /** The winner's bid; with proxies, its secret maximum. */
  readonly bid: Amount;
  /** The price that the winner pays (receives, in a reverse auction): never worse for it than its bid. */
  readonly price: Amount;
  /** Everyone who could have it, best first, the winner included: who is next when the winner does not start. */
  readonly ranking: readonly Bid[];
}

/** Why nobody won. */
export interface Unsold {
  readonly sold: false;
  readonly why: 'no_bids' | 'reserve_not_met';
  readonly ranking: readonly [];
}

/** How an auction ends: sold to whom and at what price, or why not. */
export type Settlement = Sold | Unsold;

/** The input of every settlement. */
export interface SettlementRules {
  readonly direction: Direction;
  /** The least acceptable to a seller; the most acceptable to a buyer. Bids that do not meet it cannot win. */
  readonly reserve?: Amount | undefined;
  /** The worst bid that is taken at all, known to all. Left out: any amount. Bids worse than it count for nothing. */
  readonly startPrice?: Amount | undefined;
  /** Bidders to leave out as if they had never bid, so that the next one gets it at the price without them. */
  readonly exclude?: ReadonlySet<string> | undefined;
}

/** Does a bid meet the reserve? Without a reserve every bid does. */
export function meetsReserve(amount: Amount, { direction, reserve }: SettlementRules): boolean {
  return reserve === undefined || reaches(direction, amount, reserve);
}

/** The price of a bidder without competition: the worse for it of `startPrice` and reserve; without both, the worst amount. */
export function openingPrice({ direction, reserve, startPrice }: SettlementRules): Amount {
  const start = startPrice ?? worstAmount(direction);
  return reserve === undefined ? start : betterOf(direction, start, reserve);
}

/**
 * Sells to the best of ranked bids, if it meets the reserve, at the price that `priceOf` puts on it. The bids that do
 * meet the reserve stand first in the ranking, so the others are its tail.
 */
export function settle(
  ranked: readonly Bid[],
  rules: SettlementRules,
  priceOf: (best: Bid) => Amount,
): Settlement {
  const [best] = ranked;
  if (best === undefined) return { sold: false, why: 'no_bids', ranking: [] };
  if (!meetsReserve(best.amount, rules)) return { sold: false, why: 'reserve_not_met', ranking: [] };
  const ranking = ranked.filter(({ amount }) => meetsReserve(amount, rules));
  return { sold: true, winner: best.bidder, bid: best.amount, price: priceOf(best), ranking };
}
