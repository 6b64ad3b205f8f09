import type { Auction } from '../../protocol/auctions.ts';
import type { DomainEvent } from '../kernel/events.ts';
import type { PoolState } from '../world/pool-state.ts';
import { award } from './award.ts';

/**
 * The effects of time on it, at or after its `dueAt`: it closes. Claims count from `now`, when they are made. With a task
 * it waits while the pool is paused: it takes no bids, and goes to whom it would have gone when the pause is over.
 */
export function lapseAuction(state: PoolState, auction: Auction, now: number): readonly DomainEvent[] {
  if (auction.state !== 'open' || auction.closesAt > now || waitsForResume(state, auction)) return [];
  return award(state, auction, now);
}

/** It would hand out a claim, and the pool is paused. */
export function waitsForResume({ handsOut }: PoolState, { taskId }: Auction): boolean {
  return taskId !== undefined && !handsOut;
}
