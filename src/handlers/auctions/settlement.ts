/** From the document of an auction to the rules of `src/rules` and back. */
import type { Auction, AuctionBid, AuctionStanding, AuctionTerms } from '../../protocol/auctions.ts';
import {
  type Amount,
  type Bid,
  type DutchRules,
  dutchPriceAt,
  type EnglishRules,
  type EnglishState,
  firstPrice,
  formatAmount,
  type Increment,
  openEnglish,
  parseAmount,
  type Settlement,
  type SoftClose,
  secondPrice,
  settleEnglish,
} from '../../rules/index.ts';

/** The result of the bids, as if the excluded bidders had never bid. */
export function settlementOf(auction: Auction, exclude: ReadonlySet<string>): Settlement {
  const { direction } = auction;
  const reserve = optionalAmount(auction.reserve);
  const startPrice = optionalAmount(auction.startPrice);
  const bids = bidsOf(auction);
  switch (auction.auctionKind) {
    case 'first_price_sealed':
      return firstPrice(bids, { direction, reserve, exclude, startPrice });
    case 'second_price_sealed':
      return secondPrice(bids, { direction, reserve, exclude, startPrice });
    case 'english':
      return settleEnglish(bids, { ...englishRules(auction), reserve, exclude });
    case 'dutch':
      return settleDutch(auction, exclude);
  }
}

/** The first bid has it, at the price of its moment; there is no second one. */
function settleDutch(auction: Auction, exclude: ReadonlySet<string>): Settlement {
  const [bid] = auction.bids;
  const [best] = bidsOf(auction);
  if (bid === undefined || best === undefined || exclude.has(best.bidder)) {
    return { sold: false, why: 'no_bids', ranking: [] };
  }
  const price = dutchPriceAt(dutchRules(auction), auction.openedAt, bid.at);
  return { sold: true, winner: best.bidder, bid: best.amount, price, ranking: [best] };
}

/** They are kept in the order of the log, so that their places rank them. */
function bidsOf({ bids }: { readonly bids: readonly AuctionBid[] }): Bid[] {
  return bids.map(({ bidder, amount }, order) => ({ bidder, amount: amountOf(amount), order }));
}

export function englishState(auction: Auction): EnglishState {
  const { standing } = auction;
  const open = openEnglish(englishRules(auction));
  if (standing === undefined) return open;
  const { leader, price, maximum, runnerUp } = standing;
  return {
    ...open,
    standing: {
      leader,
      price: amountOf(price),
      maximum: amountOf(maximum),
      ...(runnerUp === undefined ? {} : { runnerUp: amountOf(runnerUp) }),
    },
  };
}

export function standingOf({ standing }: EnglishState): AuctionStanding {
  if (standing === undefined) throw new Error('after a bid somebody leads');
  const { leader, price, maximum, runnerUp } = standing;
  return {
    leader,
    price: formatAmount(price),
    maximum: formatAmount(maximum),
    ...(runnerUp === undefined ? {} : { runnerUp: formatAmount(runnerUp) }),
  };
}

function englishRules({ direction, startPrice, increment, proxy }: AuctionTerms): EnglishRules {
  return { direction, startPrice: optionalAmount(startPrice), increment: incrementOf(increment), proxy };
}

function incrementOf(increment: AuctionTerms['increment']): Increment | undefined {
  if (increment === undefined || typeof increment === 'string') return optionalAmount(increment);
  return increment.map(({ below, step }) => ({ below: optionalAmount(below), step: amountOf(step) }));
}

/** An auction that was opened without a soft close has none to move. */
export function softCloseOf({ closesAt, softCloseMs = 0, latestCloseAt }: AuctionTerms): SoftClose {
  return { closesAtMs: closesAt, softCloseMs, latestCloseAtMs: latestCloseAt ?? closesAt };
}

export function dutchRules({ direction, startPrice, step, stepMs, reserve }: AuctionTerms): DutchRules {
  if (startPrice === undefined || step === undefined || stepMs === undefined) {
    throw new Error('a Dutch auction without a price that moves');
  }
  return {
    direction,
    startPrice: amountOf(startPrice),
    step: amountOf(step),
    stepMs,
    reserve: optionalAmount(reserve),
  };
}

export function optionalAmount(text: string | undefined): Amount | undefined {
  return text === undefined ? undefined : amountOf(text);
}

/** Stored amounts were checked when they came in. */
function amountOf(text: string): Amount {
  const amount = parseAmount(text);
  if (amount === undefined) throw new Error('what is stored is not an amount');
  return amount;
}
