import {
  type ClosedVote,
  encodeChoice,
  type OpenVote,
  type Vote,
  type VoteCloseCause,
  type VoteResult,
} from '../../protocol/votes.ts';
import type { VoteCastData, VoteEvent, VoteOpenedData } from './events.ts';
import { seatOf } from './seat.ts';

/**
 * Returns the vote after an event; undefined when it is removed. Throws if the event does not fit the state that it
 * finds: decide must not have let that happen.
 */
export function evolveVote(
  vote: Vote | undefined,
  event: VoteEvent,
  pool: string,
  now: number,
): Vote | undefined {
  if (event.type === 'vote.opened') return opened(event.id, event.data, pool, now);
  if (event.type === 'vote.removed') return undefined;
  if (vote?.state !== 'open')
    throw new Error(`${event.type} of vote ${event.id}, which is ${vote?.state ?? 'unknown'}`);
  switch (event.type) {
    case 'vote.cast':
      return withBallot(vote, event.data);
    case 'vote.closed': {
      const { cause, ...result } = event.data;
      return closed(vote, cause, result, now);
    }
  }
}

function opened(id: string, data: VoteOpenedData, pool: string, now: number): OpenVote {
  const { electorate, members, order, origin, ...rules } = data;
  const voters = (electorate === 'members' ? (members ?? []) : electorate).toSorted();
  return {
    kind: 'vote',
    pool,
    id,
    state: 'open',
    order,
    openedAt: now,
    origin,
    dueAt: data.closesAt,
    ...rules,
    electorate: electorate === 'members' ? 'members' : 'list',
    voters,
    ballots: voters.map(() => null),
  };
}

/** The vote with one more ballot, or with another one of the same voter. */
export function withBallot(vote: OpenVote, { voter, choice }: VoteCastData): OpenVote {
  const seat = seatOf(vote, voter);
  if (seat === undefined) throw new Error(`${voter} is not asked by vote ${vote.id}`);
  return { ...vote, ballots: vote.ballots.with(seat, encodeChoice(vote.options, choice)) };
}

/** An ended vote is no longer due, and keeps only those of the electorate who voted. */
function closed(vote: OpenVote, cause: VoteCloseCause, result: VoteResult, now: number): ClosedVote {
  const { state: _, dueAt: _due, voters, ballots, ...rest } = vote;
  return {
    ...rest,
    state: 'closed',
    finishedAt: now,
    cause,
    result,
    voters: voters.filter((_voter, seat) => ballots[seat] != null),
    ballots: ballots.filter((ballot) => ballot !== null),
  };
}
