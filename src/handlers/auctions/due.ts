import type { Auction } from '../../protocol/auctions.ts';
import type { DomainEvent } from '../events.ts';
import type { PoolState } from '../world/pool-state.ts';

/** What time alone does to it, at or after its `dueAt`. */
export function lapseAuction(_state: PoolState, _auction: Auction, _now: number): readonly DomainEvent[] {
  return [];
}
