/** The methods that ask for a share of the votes cast. Abstentions are not cast. */
import { type Ballot, checkBallots, countNamed } from './ballots.ts';
import { largestOf, leadersOf, roundOf, type VoteResult, winnerOrTie } from './result.ts';

/** A share as a fraction of integers: two thirds are `{num: 2, den: 3}`. */
export interface Fraction {
  readonly num: number;
  readonly den: number;
}

/** More than half of the votes cast, or `no_majority`: half and half is none. No vote cast is a `tie`. Ballots `{option}`. */
export function majorityVote(options: readonly string[], ballots: readonly Ballot[]): VoteResult {
  return shareVote(options, ballots, (votes, cast) => 2 * votes > cast);
}

/**
 * At least the share `num/den` of the votes cast, in exact integers: den·votes ≥ num·cast. The option with the most
 * votes must reach it, else `no_majority`; where the share is at most one half two options can reach it alike: `tie`.
 * Ballots `{option}`; a fraction that is not of integers with 0 < num ≤ den is a RangeError.
 */
export function supermajorityVote(
  options: readonly string[],
  ballots: readonly Ballot[],
  share: Fraction,
): VoteResult {
  checkFraction(share);
  return shareVote(options, ballots, (votes, cast) => reachesShare(share, votes, cast));
}

/** Every vote cast for the same option, and at least one cast: an abstention does not block. Ballots `{option}`. */
export function unanimousVote(options: readonly string[], ballots: readonly Ballot[]): VoteResult {
  return shareVote(options, ballots, (votes, cast) => votes === cast);
}

/** den·votes ≥ num·cast, in integers without a bound, since weights and fraction together may exceed 2^53. */
export function reachesShare({ num, den }: Fraction, votes: number, cast: number): boolean {
  return BigInt(den) * BigInt(votes) >= BigInt(num) * BigInt(cast);
}

function checkFraction({ num, den }: Fraction): void {
  const exact = Number.isSafeInteger(num) && Number.isSafeInteger(den);
  if (!exact || num <= 0 || num > den) throw new RangeError(`not a share of the votes: ${num}/${den}`);
}

function shareVote(
  options: readonly string[],
  ballots: readonly Ballot[],
  isEnough: (votes: number, cast: number) => boolean,
): VoteResult {
  const { ballots: checked, cast, abstained } = checkBallots(options, ballots, 'option');
  const counts = countNamed(options, checked, 1);
  const verdict =
    cast === 0 || isEnough(largestOf(counts.values()), cast)
      ? winnerOrTie(leadersOf(counts), cast)
      : { winner: undefined, why: 'no_majority' as const };
  return { ...verdict, cast, abstained, tally: [roundOf(counts)] };
}
