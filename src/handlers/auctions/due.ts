import type { Auction } from '../../protocol/auctions.ts';
import type { DomainEvent } from '../events.ts';
import type { PoolState } from '../world/pool-state.ts';
import { award } from './award.ts';

/** What time alone does to it, at or after its `dueAt`: it closes. Claims count from `now`, when they are made. */
export function lapseAuction(state: PoolState, auction: Auction, now: number): readonly DomainEvent[] {
  return auction.state === 'open' && auction.closesAt <= now ? award(state, auction, now) : [];
}
