import type { Auction, AuctionBid, AwardedAuction, OpenAuction } from '../../protocol/auctions.ts';
import { adding, bidOf } from './bids.ts';
import type { AuctionEvent, BidPlacedData } from './events.ts';

type LiveAuction = OpenAuction | AwardedAuction;

/**
 * Returns the auction after an event; undefined when it is removed. Throws if the event does not fit the state that
 * it finds: decide must not have let that happen.
 */
export function evolveAuction(
  auction: Auction | undefined,
  event: AuctionEvent,
  pool: string,
  now: number,
): Auction | undefined {
  if (event.type === 'auction.opened') {
    const { id, data } = event;
    const none = { bids: [], bidBytes: 0, bidCount: 0 };
    return {
      kind: 'auction',
      pool,
      id,
      state: 'open',
      openedAt: now,
      dueAt: data.closesAt,
      ...data,
      ...none,
    };
  }
  if (auction === undefined) throw new Error(`${event.type} of the unknown auction ${event.id}`);
  switch (event.type) {
    case 'auction.bid_placed':
      return withBid(stillOpen(auction, event), event.data, now);
    case 'auction.extended': {
      const { closesAt } = event.data;
      return { ...stillOpen(auction, event), closesAt, dueAt: closesAt };
    }
    case 'auction.awarded': {
      const { winner, price, passedOver } = event.data;
      return {
        ...passingOver(withoutAward(stillLive(auction, event)), passedOver),
        dueAt: undefined,
        state: 'awarded',
        closedAt: closedAt(auction, now),
        winner,
        price,
        ...(auction.taskId === undefined ? { finishedAt: now } : {}),
      };
    }
    case 'auction.settled':
      return { ...stillLive(auction, event), finishedAt: now };
    case 'auction.unsold': {
      const { why, passedOver } = event.data;
      return {
        ...passingOver(withoutAward(stillLive(auction, event)), passedOver),
        ...ended(now),
        state: 'unsold',
        closedAt: closedAt(auction, now),
        why,
      };
    }
    case 'auction.cancelled': {
      const { cause, by } = event.data;
      return { ...stillOpen(auction, event), ...ended(now), state: 'cancelled', cause, by };
    }
    case 'auction.removed':
      return undefined;
  }
}

/** A bidder's last bid replaces its earlier ones, and has their place no more: the order is that of the log. */
function withBid(auction: OpenAuction, data: BidPlacedData, now: number): OpenAuction {
  const bid = bidOf(data, now);
  const { replaced, bidBytes } = adding(bid, auction);
  const others = replaced === undefined ? auction.bids : auction.bids.filter((other) => other !== replaced);
  return {
    ...auction,
    bids: [...others, bid],
    bidBytes,
    bidCount: auction.bidCount + 1,
    ...(data.standing === undefined ? {} : { standing: data.standing }),
  };
}

function passingOver<A extends { readonly bids: readonly AuctionBid[] }>(
  auction: A,
  bidders: readonly string[],
): A {
  if (bidders.length === 0) return auction;
  const passed = new Set(bidders);
  const bids = auction.bids.map((bid) => (passed.has(bid.bidder) ? { ...bid, passedOver: true } : bid));
  return { ...auction, bids };
}

/** Bidding ends once, however often the lot goes on to the next. */
function closedAt(auction: Auction, now: number): number {
  return auction.state === 'awarded' ? auction.closedAt : now;
}

function ended(now: number): { readonly dueAt: undefined; readonly finishedAt: number } {
  return { dueAt: undefined, finishedAt: now };
}

function stillOpen(auction: Auction, event: AuctionEvent): OpenAuction {
  if (auction.state !== 'open') throw new Error(`${event.type} of auction ${auction.id}: ${auction.state}`);
  return auction;
}

function stillLive(auction: Auction, event: AuctionEvent): LiveAuction {
  const isLive =
    auction.state === 'open' || (auction.state === 'awarded' && auction.finishedAt === undefined);
  if (!isLive) throw new Error(`${event.type} of auction ${auction.id}, which has ended`);
  return auction;
}

/** The task that the winner did not start goes to the next bidder. */
function withoutAward(auction: LiveAuction): Omit<OpenAuction, 'state'> {
  if (auction.state === 'open') return auction;
  const { winner: _winner, price: _price, closedAt: _closedAt, ...rest } = auction;
  return rest;
}
