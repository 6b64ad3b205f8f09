/** Counting: the rules are in `src/rules`, and are asked about the ballots of a document. */
import type { OutcomeData } from '../../protocol/decisions/index.ts';
import { defined } from '../../protocol/defined.ts';
import {
  decodeChoice,
  type OpenVote,
  type VoteCloseCause,
  type VoteResult,
  weightOf,
} from '../../protocol/votes.ts';
import { decideVote, isDecided, type Poll } from '../../rules/index.ts';
import type { VoteEvent } from './events.ts';

/** The end of a vote: the ballots that stand are counted. */
export function closing(vote: OpenVote, cause: VoteCloseCause): Extract<VoteEvent, { type: 'vote.closed' }> {
  const { winner, ...result } = decideVote(pollOf(vote));
  const data = { cause, ...defined({ winner }), ...result };
  return { type: 'vote.closed', id: vote.id, data };
}

/** Its data in an outcome; the tally is in the event, and in the vote itself. */
export function verdict({
  winner,
  why,
}: Pick<VoteResult, 'winner' | 'why'>): Omit<OutcomeData['CloseVote'], 'voteId'> {
  return { state: 'closed', why, ...defined({ winner }) };
}

/**
 * Does the ballot that was just cast decide the vote? To know it takes a count of all ballots, so that a small vote is
 * counted after every ballot, and a large one in steps: there the early close may come some ballots late.
 *
 * Ballots that were cast are taken to stay. So with `changeable` a voter can change its mind only as long as those who
 * have not voted can still turn the result; `closeWhenDecided: false` leaves it the time until the close.
 */
export function decidesVote(vote: OpenVote, isReplacement: boolean): boolean {
  return vote.closeWhenDecided && isTimeToCount(vote, isReplacement) && isDecided(pollOf(vote));
}

/**
 * With up to ten options a vote is counted some 200 times in all: after every ballot where up to 200 agents are asked,
 * and where more are, each time when another two-hundredth of them has voted, and when all have. With more options a
 * count takes longer, and there are as many times fewer. In steps, a ballot that replaces another is no step.
 */
function isTimeToCount({ voters, ballots, options }: OpenVote, isReplacement: boolean): boolean {
  const step = Math.ceil((voters.length * Math.max(options.length, 10)) / 2_000);
  if (step === 1) return true;
  if (isReplacement) return false;
  const voted = ballots.reduce((sum, ballot) => (ballot === null ? sum : sum + 1), 0);
  return voted === voters.length || voted % step === 0;
}

function pollOf(vote: OpenVote): Poll {
  const { method, options, voters, ballots, weights, quorum, abstentionsCountForQuorum } = vote;
  return {
    method,
    options,
    ballots: voters.flatMap((voter, seat) => {
      const code = ballots[seat];
      return code == null ? [] : [{ voter, choice: decodeChoice(vote, code) }];
    }),
    electorate: new Map(voters.map((voter) => [voter, weightOf(weights, voter)])),
    quorum,
    abstentionsCountForQuorum,
  };
}
