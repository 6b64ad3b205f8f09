import type { Auction } from '../../protocol/auctions.ts';
import type { AuctionEvent } from './events.ts';

/** What it is after an event; undefined when it is no more. */
export function evolveAuction(
  auction: Auction | undefined,
  event: AuctionEvent,
  _pool: string,
  _now: number,
): Auction | undefined {
  switch (event.type) {
    case 'auction.removed':
      return auction === undefined ? undefined : undefined;
  }
}
