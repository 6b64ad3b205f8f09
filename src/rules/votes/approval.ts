import { type Ballot, checkBallots, countNamed, MAX_OPTIONS } from './ballots.ts';
import { leadersOf, roundOf, type VoteResult, winnerOrTie } from './result.ts';

/**
 * Approval voting (Brams and Fishburn 1978): each ballot approves any number of options, `{approvals}`; the option that
 * most approve wins, and a tie has no winner. A ballot that approves nothing is cast and changes no count.
 */
export function approvalVote(options: readonly string[], ballots: readonly Ballot[]): VoteResult {
  const { ballots: checked, cast, abstained } = checkBallots(options, ballots, 'approvals');
  const counts = countNamed(options, checked, MAX_OPTIONS);
  return { ...winnerOrTie(leadersOf(counts), cast), cast, abstained, tally: [roundOf(counts)] };
}
