/** The Schulze method. */
import { type Ballot, checkBallots } from './ballots.ts';
import { entry, type Matrix, pairwiseOf } from './pairwise.ts';
import { roundOf, type VoteResult, winnerOrTie } from './result.ts';

/** The result, and the preferences of each option over each other that it follows from. */
export interface SchulzeResult extends VoteResult {
  readonly pairwise: Matrix;
  readonly strongestPaths: Matrix;
}

/**
 * Schulze, "A new monotonic, clone-independent, reversal symmetric, and Condorcet-consistent single-winner election
 * method", Social Choice and Welfare 36 (2011), with winning votes as the strength of a defeat. Option i beats j if the
 * strongest path from i to j is stronger than the one back; who is beaten by nobody wins, and several such are a `tie`.
 *
 * Ballots are `{ranking}`, may be truncated and may rank options equally. The tally has one round, which counts how many options each beats.
 * The work grows with the cube of the number of options: 64 of them take about ten milliseconds.
 */
export function schulzeVote(options: readonly string[], ballots: readonly Ballot[]): SchulzeResult {
  const { ballots: checked, cast, abstained } = checkBallots(options, ballots, 'ranking');
  const pairwise = pairwiseOf(options, checked);
  const strongestPaths = strongestPathsOf(pairwise);
  const beats = (i: number, j: number) => entry(strongestPaths, i, j) > entry(strongestPaths, j, i);
  const indices = [...options.keys()];
  const unbeaten = options.filter((_, i) => !indices.some((j) => beats(j, i)));
  const beaten = new Map(options.map((option, i) => [option, indices.filter((j) => beats(i, j)).length]));
  const tally = [roundOf(beaten)];
  return { ...winnerOrTie(unbeaten, cast), cast, abstained, tally, pairwise, strongestPaths };
}

/** The widest paths, by the algorithm of Floyd and Warshall: a path is as strong as its weakest link. */
function strongestPathsOf(pairwise: Matrix): Matrix {
  const strength = pairwise.map((row, i) =>
    row.map((preferred, j) => (preferred > entry(pairwise, j, i) ? preferred : 0)),
  );
  for (const via of strength.keys()) {
    for (const [i, row] of strength.entries()) {
      if (i === via) continue;
      const toVia = entry(strength, i, via);
      for (const [j, direct] of row.entries()) {
        const detour = Math.min(toVia, entry(strength, via, j));
        if (i !== j && detour > direct) row[j] = detour;
      }
    }
  }
  return strength;
}
