import type { Vote } from '../../protocol/votes.ts';
import type { VoteEvent } from './events.ts';

/** What it is after an event; undefined when it is no more. */
export function evolveVote(
  vote: Vote | undefined,
  event: VoteEvent,
  _pool: string,
  _now: number,
): Vote | undefined {
  switch (event.type) {
    case 'vote.removed':
      return vote === undefined ? undefined : undefined;
  }
}
