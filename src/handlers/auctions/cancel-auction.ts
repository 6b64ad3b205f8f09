import { defined } from '../../protocol/defined.ts';
import { accepted, isRejected } from '../kernel/decided.ts';
import type { DomainEvent } from '../kernel/events.ts';
import type { Handler } from '../kernel/handler.ts';
import { existingPool } from '../pools/guards.ts';
import { ownAuctionOpenNow } from './guards.ts';

/** Nobody gets anything, and the bids stay as secret as they were. */
export const cancelAuction: Handler<'CancelAuction'> = {
  touches: ({ auctionId }) => [{ kind: 'auction', id: auctionId }],
  decide(world, { auctionId }, context) {
    const state = existingPool(world, context);
    if (isRejected(state)) return state;
    const auction = ownAuctionOpenNow(state, auctionId, context);
    if (isRejected(auction)) return auction;
    const { taskId } = auction;
    const cancelled: DomainEvent = {
      type: 'auction.cancelled',
      id: auctionId,
      data: { cause: 'cancelled', by: context.self, ...defined({ taskId }) },
    };
    if (taskId === undefined) return accepted([cancelled]);
    return accepted([cancelled, { type: 'task.unreserved', id: taskId, data: {} }]);
  },
};
