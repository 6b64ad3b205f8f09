/** Guards about votes: each returns what it guards, or the rejection named after its rule. */
import type { DecisionOf } from '../../protocol/decisions/index.ts';
import { MAX_ELECTORATE, MAX_OPEN_SEATS } from '../../protocol/limits.ts';
import { type OpenVote, type VoteChoice, weightOf } from '../../protocol/votes.ts';
import { choiceFault, choiceKindOf, takesEqualRanks } from '../../rules/index.ts';
import { isRejected, type Rejected, rateLimited, rejected } from '../kernel/decided.ts';
import type { Context } from '../kernel/handler.ts';
import { existingPool } from '../pools/guards.ts';
import { seatsThatAreOver } from '../quotas/over.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { World } from '../world/world.ts';
import { isOver } from './due.ts';

/** A vote that is still open at this moment. */
export function openVoteOf(world: World, voteId: string, context: Context): OpenVote | Rejected {
  const state = existingPool(world, context);
  if (isRejected(state)) return state;
  const vote = state.entities.vote.get(voteId);
  if (vote === undefined)
    return rejected('vote_not_found', `there is no vote ${voteId} in pool ${context.pool}`);
  if (vote.state === 'closed' || isOver(vote, context.now))
    return rejected('vote_closed', `vote ${voteId} has ended`);
  return vote;
}

/** The choice of a ballot, if the method of the vote asks for one of its kind, and the vote has what it names. */
export function validChoice(vote: OpenVote, decision: DecisionOf<'Vote'>): VoteChoice | Rejected {
  const kind = choiceKindOf(vote.method);
  const choice = choiceOf(decision);
  const fault = choiceFault(choice, kind, vote.options, takesEqualRanks(vote.method));
  switch (fault) {
    case undefined:
      return choice;
    case 'wrong_kind':
      return rejected('invalid_decision', `${Object.keys(choice)[0]}: vote ${vote.id} asks for ${kind}`);
    case 'unknown_option':
      return rejected('unknown_option', `${kind}: names an option that vote ${vote.id} does not have`);
    case 'duplicate_option':
      return rejected('invalid_decision', `${kind}: names an option twice`);
    case 'equal_ranks':
      return rejected(
        'invalid_decision',
        `${kind}: vote ${vote.id} is ${vote.method}, which does not allow equal ranks`,
      );
  }
}

function choiceOf({ option, approvals, ranking }: DecisionOf<'Vote'>): VoteChoice {
  if (option !== undefined) return { option };
  if (approvals !== undefined) return { approvals };
  if (ranking !== undefined) return { ranking };
  return { abstain: true };
}

/** Someone must be asked, and not more than a document holds. A list can have no other fault any more. */
export function electorateFault(voters: readonly string[], { pool }: Context): Rejected | undefined {
  if (voters.length === 0) {
    // Members may come, so that this may succeed later.
    return rejected('invalid_decision', `electorate: pool ${pool} has no members`, true);
  }
  if (voters.length <= MAX_ELECTORATE) return undefined;
  return rejected(
    'too_large',
    `electorate: ${voters.length} agents; an electorate has at most ${MAX_ELECTORATE}`,
  );
}

export function weightsFault(
  weights: Readonly<Record<string, number>> | undefined,
  voters: readonly string[],
): Rejected | undefined {
  if (weights === undefined) return undefined;
  const electorate = new Set(voters);
  const stranger = Object.keys(weights).find((agent) => !electorate.has(agent));
  return stranger === undefined
    ? undefined
    : rejected('invalid_decision', `weights.${stranger}: is not in the electorate`);
}

/** A quorum that all of the electorate together cannot reach would be a vote that nobody can win. */
export function quorumFault(
  { quorum = 0, electorate = 'members', weights }: DecisionOf<'OpenVote'>,
  voters: readonly string[],
): Rejected | undefined {
  const weight = voters.reduce((sum, voter) => sum + weightOf(weights, voter), 0);
  if (quorum <= weight) return undefined;
  const message = `quorum: ${quorum} cannot be reached by an electorate that weighs ${weight}`;
  // Members may come, so that this may succeed later.
  return rejected('invalid_decision', message, electorate === 'members');
}

/** Open votes are what a worker keeps in memory, each with a place for everyone who is asked. */
export function tooManySeats(state: PoolState, more: number, now: number): Rejected | undefined {
  const { doc, votes } = state;
  const surplus = votes.seats + more - MAX_OPEN_SEATS;
  if (surplus <= 0) return undefined;
  const over = seatsThatAreOver(state, now, surplus);
  if (over >= surplus) return undefined;
  const used = votes.seats - over;
  const seats = used + more;
  return rateLimited(
    `the open votes of pool ${doc.pool} would have electorates of ${seats} agents together; the limit is ${MAX_OPEN_SEATS}`,
    { quota: 'openSeats', limit: MAX_OPEN_SEATS, used },
  );
}
