import type { Auction, AuctionBid } from '../../protocol/auctions.ts';
import { defined } from '../../protocol/defined.ts';
import type { BidPlacedData } from './events.ts';

export function bidOf({ bidder, amount, order, content }: BidPlacedData, now: number): AuctionBid {
  return {
    bidder,
    amount,
    at: now,
    ...defined({ order, content }),
  };
}

export interface AddedBid {
  /** The bidder's last bid before, which the new one replaces. */
  readonly replaced: AuctionBid | undefined;
  /** How many bidders there are then, and what their bids take as JSON. */
  readonly bidders: number;
  readonly bidBytes: number;
}

export function adding(bid: AuctionBid, { bids, bidBytes }: Auction): AddedBid {
  const replaced = bids.find(({ bidder }) => bidder === bid.bidder);
  if (replaced === undefined) {
    return { replaced, bidders: bids.length + 1, bidBytes: bidBytes + bytesOf(bid) };
  }
  return { replaced, bidders: bids.length, bidBytes: bidBytes + bytesOf(bid) - bytesOf(replaced) };
}

/** Size of a bid in the list, with the comma. */
function bytesOf(bid: AuctionBid): number {
  return Buffer.byteLength(JSON.stringify(bid)) + 1;
}
