/** The Borda count (Borda 1781). */
import { type Ballot, checkBallots } from './ballots.ts';
import { leadersOf, roundOf, type VoteResult, winnerOrTie } from './result.ts';

/**
 * Of n options a ballot, `{ranking}`, gives n−1 points to its first, n−2 to its second and so on; most points win, and
 * a tie has no winner. Options that a ballot ranks equally share the points of the places that they take equally
 * (the average rule), and so do the options that a truncated ranking leaves out: every ballot hands out the same total,
 * and leaving someone out is no way to gain by it.
 *
 * The tally counts points. They are whole or half, and exact: adding is done in half points, which are integers.
 */
export function bordaVote(options: readonly string[], ballots: readonly Ballot[]): VoteResult {
  const { ballots: checked, cast, abstained } = checkBallots(options, ballots, 'ranking');
  const halfPoints = new Map(options.map((option) => [option, 0]));
  for (const { weight, named, ranks } of checked) {
    const ranked = new Set(named);
    const unranked = options.filter((option) => !ranked.has(option));
    let place = 0;
    for (const rank of [...ranks, unranked]) {
      const halves = halfPointsOf(rank.length, place, options.length);
      for (const option of rank) halfPoints.set(option, (halfPoints.get(option) ?? 0) + weight * halves);
      place += rank.length;
    }
  }
  const points = new Map([...halfPoints].map(([option, halves]) => [option, halves / 2]));
  return { ...winnerOrTie(leadersOf(points), cast), cast, abstained, tally: [roundOf(points)] };
}

/** Half points for each of `equals` options from `place` on: the average of n−1−place and the points that follow. */
function halfPointsOf(equals: number, place: number, options: number): number {
  return 2 * (options - 1 - place) - (equals - 1);
}
