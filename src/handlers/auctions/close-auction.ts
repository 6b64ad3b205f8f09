import type { OutcomeData } from '../../protocol/decisions/index.ts';
import { accepted, isRejected } from '../kernel/decided.ts';
import type { DomainEvent } from '../kernel/events.ts';
import type { Handler } from '../kernel/handler.ts';
import { existingPool, poolPaused } from '../pools/guards.ts';
import { award } from './award.ts';
import { waitsForResume } from './due.ts';
import { ownAuctionOpenNow } from './guards.ts';

/** The opener need not wait for the closing time. */
export const closeAuction: Handler<'CloseAuction'> = {
  touches: ({ auctionId }) => [{ kind: 'auction', id: auctionId }],
  decide(world, { auctionId }, context) {
    const state = existingPool(world, context);
    if (isRejected(state)) return state;
    const auction = ownAuctionOpenNow(state, auctionId, context);
    if (isRejected(auction)) return auction;
    if (waitsForResume(state, auction)) return poolPaused(context.pool);
    const events = award(state, auction, context.now);
    return accepted(events, { auctionId, ...closeData(events) });
  },
};

/** The close as the outcome reports it. */
function closeData(events: readonly DomainEvent[]): Omit<OutcomeData['CloseAuction'], 'auctionId'> {
  for (const event of events) {
    if (event.type === 'auction.unsold') return { state: 'unsold', why: event.data.why };
    if (event.type !== 'auction.awarded') continue;
    const { winner, price } = event.data;
    return { state: 'awarded', winner, price };
  }
  return {};
}
