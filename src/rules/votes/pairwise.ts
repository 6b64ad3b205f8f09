/** Every option against every other: what Condorcet compared in 1785. */
import type { CastBallot } from './ballots.ts';

/** A square table over the options in their order: `matrix[i][j]` is about option i against option j. */
export type Matrix = readonly (readonly number[])[];

/**
 * `matrix[i][j]` is the weight of the ballots that rank option i above option j. A ranked option is above every one
 * that is not ranked; those that are not ranked, and those of one place, are level with each other. The diagonal is 0.
 */
export function pairwiseOf(options: readonly string[], ballots: readonly CastBallot[]): Matrix {
  const indexOf = new Map(options.map((option, i) => [option, i]));
  const preferred = options.map(() => options.map(() => 0));
  for (const { weight, ranks } of ballots) {
    const below = new Set(options.keys());
    for (const rank of ranks) {
      const level = rank.flatMap((option) => indexOf.get(option) ?? []);
      for (const i of level) below.delete(i);
      for (const i of level) {
        const row = preferred[i];
        if (row === undefined) continue;
        for (const j of below) row[j] = (row[j] ?? 0) + weight;
      }
    }
  }
  return preferred;
}

/** The Condorcet winner: the option that beats every other one in pairs by more than `margin`, if there is one. */
export function condorcetWinner(
  options: readonly string[],
  pairwise: Matrix,
  margin = 0,
): string | undefined {
  return options.find((_, i) =>
    options.every((_, j) => i === j || entry(pairwise, i, j) > entry(pairwise, j, i) + margin),
  );
}

/** One entry of a matrix; a RangeError outside of it. */
export function entry(matrix: Matrix, i: number, j: number): number {
  const value = matrix[i]?.[j];
  if (value === undefined) throw new RangeError(`no entry ${i}, ${j} in a matrix of ${matrix.length}`);
  return value;
}
