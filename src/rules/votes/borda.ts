/** The Borda count (Borda 1781). */
import { type Ballot, checkBallots } from './ballots.ts';
import { leadersOf, roundOf, type VoteResult, winnerOrTie } from './result.ts';

/**
 * Of n options a ballot, `{ranking}`, gives n−1 points to its first, n−2 to its second and so on; most points win, and
 * a tie has no winner. On a truncated ranking the options that are not ranked share the points that are left equally
 * (the average rule), so every ballot hands out the same total and leaving somebody out is no way to gain by it.
 *
 * The tally counts points. They are whole or half, and exact: adding is done in half points, which are integers.
 */
export function bordaVote(options: readonly string[], ballots: readonly Ballot[]): VoteResult {
  const { ballots: checked, cast, abstained } = checkBallots(options, ballots, 'ranking');
  const halfPoints = new Map(options.map((option) => [option, 0]));
  for (const { weight, named } of checked) {
    const places = new Map(named.map((option, place) => [option, place]));
    for (const [option, before] of halfPoints) {
      halfPoints.set(
        option,
        before + weight * halfPointsAt(places.get(option), options.length, named.length),
      );
    }
  }
  const points = new Map([...halfPoints].map(([option, halves]) => [option, halves / 2]));
  return { ...winnerOrTie(leadersOf(points), cast), cast, abstained, tally: [roundOf(points)] };
}

/** The places that are left give n−k−1 points down to 0; their average in half points is n−k−1. */
function halfPointsAt(place: number | undefined, options: number, ranked: number): number {
  return place === undefined ? options - ranked - 1 : 2 * (options - 1 - place);
}
