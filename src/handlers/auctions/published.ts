import { defined } from '../../protocol/defined.ts';
import type { AuctionEvent, BidPlacedData } from './events.ts';

/**
 * The public part of an event, by the names that decisions use: not the reserve, nothing of a sealed bid but that it was made, and of a bid
 * with proxies who leads at what price.
 */
export function publicAuctionData(event: AuctionEvent): object {
  switch (event.type) {
    case 'auction.opened': {
      const { auctionKind, reserve: _secret, ...shown } = event.data;
      return { kind: auctionKind, ...shown };
    }
    case 'auction.bid_placed':
      return publicBidData(event.data);
    case 'auction.extended':
    case 'auction.awarded':
    case 'auction.settled':
    case 'auction.unsold':
    case 'auction.cancelled':
    case 'auction.removed':
      return event.data;
  }
}

function publicBidData({ bidder, amount, content, secrecy, standing }: BidPlacedData): object {
  if (secrecy === 'bids') return { bidder };
  return {
    bidder,
    ...(secrecy === 'maxima' ? {} : { amount }),
    ...(standing === undefined ? {} : { leader: standing.leader, price: standing.price }),
    ...defined({ content }),
  };
}
