import type { Vote } from '../../protocol/votes.ts';
import type { DomainEvent } from '../events.ts';
import type { PoolState } from '../world/pool-state.ts';

/** What time alone does to it, at or after its `dueAt`. */
export function lapseVote(_state: PoolState, _vote: Vote, _now: number): readonly DomainEvent[] {
  return [];
}
