import { weightOf } from '../../protocol/votes.ts';
import { accepted, isRejected, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { closing, decidesVote, verdict } from './count.ts';
import type { VoteCastData } from './events.ts';
import { withBallot } from './evolve.ts';
import { openVoteOf, validChoice } from './guards.ts';
import { seatOf } from './seat.ts';

/** One ballot of each voter counts: the last one, or the first where the vote says so. */
export const vote: Handler<'Vote'> = {
  touches: ({ voteId }) => [{ kind: 'vote', id: voteId }],
  decide(world, decision, context) {
    const { voteId } = decision;
    const found = openVoteOf(world, voteId, context);
    if (isRejected(found)) return found;
    const voter = context.self;
    const seat = seatOf(found, voter);
    if (seat === undefined)
      return rejected('not_eligible', `${voter} is not in the electorate of vote ${voteId}`);
    const isReplacement = found.ballots[seat] !== null;
    if (isReplacement && !found.changeable)
      return rejected(
        'already_voted',
        `${voter} has already voted, and the first ballot of vote ${voteId} counts`,
      );
    const choice = validChoice(found, decision);
    if (isRejected(choice)) return choice;
    const data: VoteCastData = {
      voter,
      weight: weightOf(found.weights, voter),
      choice,
      ...(isReplacement ? { replaced: true } : {}),
    };
    const cast = { type: 'vote.cast', id: voteId, data } as const;
    const after = withBallot(found, data);
    if (!decidesVote(after, isReplacement)) return accepted([cast], { voteId, state: 'open' });
    const closed = closing(after, 'decided');
    return accepted([cast, closed], { voteId, ...verdict(closed.data) });
  },
};
