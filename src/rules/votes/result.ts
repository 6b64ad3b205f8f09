/** The result of a count, as plain JSON. */
import type { Matrix } from './pairwise.ts';

/**
 * `decided`: there is a winner. `tie`: two or more come first alike, or nobody cast a ballot. `no_majority`: the share
 * that the method asks for was not reached. `no_quorum`: too little weight voted (only `decideVote` says so).
 * `cancelled`: there is no winner because the vote was ended for nothing; no count says so.
 */
export type VoteReason = 'decided' | 'tie' | 'no_majority' | 'no_quorum' | 'cancelled';

/** One round of a ranked vote: the counts, and who is out after it. */
export interface VoteRound {
  /** Weight (Borda: points; Schulze: options beaten) of each option that was in this round. */
  readonly counts: Readonly<Record<string, number>>;
  /** Instant run-off: who was out after this round, and what decided among equals if it took a tie-break. */
  readonly eliminated?: string;
  readonly tieBrokenBy?: 'previous_rounds' | 'option_order';
  /** Instant run-off: weight of the ballots that rank nobody who is still in. */
  readonly exhausted?: number;
}

/** Whether a vote is decided, for what, and why: with the counts that it follows from. */
export interface VoteResult {
  readonly winner: string | undefined;
  readonly why: VoteReason;
  /** Weight of the ballots that were not abstentions, and of those that were. */
  readonly cast: number;
  readonly abstained: number;
  readonly tally: readonly VoteRound[];
  /** Schulze: weight that prefers the row's option to the column's; rows and columns in option order. */
  readonly pairwise?: Matrix;
  /** Schulze: strength of the strongest path from the row's option to the column's; 0 where there is none. */
  readonly strongestPaths?: Matrix;
}

/** One round of a tally. */
export function roundOf(counts: ReadonlyMap<string, number>): VoteRound {
  return { counts: Object.fromEntries(counts) };
}

/** The largest of them; 0 of none. */
export function largestOf(counts: Iterable<number>): number {
  let largest = 0;
  for (const count of counts) largest = Math.max(largest, count);
  return largest;
}

/** The options with the most, in option order: more than one of them is a tie. */
export function leadersOf(counts: ReadonlyMap<string, number>): readonly string[] {
  const most = largestOf(counts.values());
  return [...counts].filter(([, count]) => count === most).map(([option]) => option);
}

/** The one that leads wins; several that lead alike, or nobody who cast a ballot, are a tie. */
export function winnerOrTie(
  leaders: readonly string[],
  cast: number,
): { readonly winner: string | undefined; readonly why: VoteReason } {
  const [winner, another] = leaders;
  return winner === undefined || another !== undefined || cast === 0
    ? { winner: undefined, why: 'tie' }
    : { winner, why: 'decided' };
}
