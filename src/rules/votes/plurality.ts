import { type Ballot, checkBallots, countNamed } from './ballots.ts';
import { leadersOf, roundOf, type VoteResult, winnerOrTie } from './result.ts';

/** Plurality (first past the post): the option with the most votes; a tie has no winner. Ballots `{option}`. */
export function pluralityVote(options: readonly string[], ballots: readonly Ballot[]): VoteResult {
  const { ballots: checked, cast, abstained } = checkBallots(options, ballots, 'option');
  const counts = countNamed(options, checked, 1);
  return { ...winnerOrTie(leadersOf(counts), cast), cast, abstained, tally: [roundOf(counts)] };
}
