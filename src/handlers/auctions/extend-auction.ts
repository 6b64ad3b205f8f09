import type { OpenAuction } from '../../protocol/auctions.ts';
import { accepted, isRejected, type Rejected, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { openPool } from '../pools/guards.ts';
import { ownAuctionOpenNow } from './guards.ts';

/**
 * The opener gives bidders more time, also while the pool is paused: nothing is handed out. Where the auction has a latest
 * close, bidders rely on it, and it stays where it is.
 */
export const extendAuction: Handler<'ExtendAuction'> = {
  touches: ({ auctionId }) => [{ kind: 'auction', id: auctionId }],
  decide(world, { auctionId, closesAt }, context) {
    const state = openPool(world, context);
    if (isRejected(state)) return state;
    const auction = ownAuctionOpenNow(state, auctionId, context);
    if (isRejected(auction)) return auction;
    const fault = notLater(auction, closesAt) ?? tooLate(auction, closesAt);
    if (fault !== undefined) return fault;
    return accepted([{ type: 'auction.extended', id: auctionId, data: { closesAt } }], {
      auctionId,
      closesAt,
    });
  },
};

function notLater({ id, closesAt: now }: OpenAuction, closesAt: number): Rejected | undefined {
  if (closesAt > now) return undefined;
  return rejected(
    'invalid_decision',
    `closesAt: auction ${id} closes at ${now}; extending it moves that later`,
  );
}

function tooLate({ id, latestCloseAt }: OpenAuction, closesAt: number): Rejected | undefined {
  if (latestCloseAt === undefined || closesAt <= latestCloseAt) return undefined;
  return rejected(
    'invalid_decision',
    `closesAt: lies after ${latestCloseAt}, the latestCloseAt of auction ${id}`,
  );
}
