import type { Vote } from '../../protocol/votes.ts';
import type { DomainEvent } from '../kernel/events.ts';
import type { PoolState } from '../world/pool-state.ts';
import { closing } from './count.ts';

/** An open vote is over at its closing time, whether or not the sweep has run. */
export function isOver({ closesAt }: Vote, now: number): boolean {
  return closesAt <= now;
}

/** The effects of time on it, at or after its `dueAt`. */
export function lapseVote(_state: PoolState, vote: Vote, now: number): readonly DomainEvent[] {
  return vote.state === 'open' && isOver(vote, now) ? [closing(vote, 'time')] : [];
}
