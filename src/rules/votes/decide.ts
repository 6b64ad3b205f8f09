/** A vote among a fixed electorate: the count, and the quorum on top of it. */
import { type Ballot, type Choice, MAX_TOTAL_WEIGHT } from './ballots.ts';
import { countVote, type VoteMethod } from './methods.ts';
import type { VoteResult } from './result.ts';

/** What is voted on, by which method, who may vote, and how many must. */
export interface Poll {
  readonly method: VoteMethod;
  readonly options: readonly string[];
  /** At most one ballot of each voter: the one that counts. */
  readonly ballots: readonly { readonly voter: string; readonly choice: Choice }[];
  /** Everyone who may vote, with their weight (a positive integer), as frozen when the vote was opened. */
  readonly electorate: ReadonlyMap<string, number>;
  /** Weight that must have voted for the vote to count at all (0). */
  readonly quorum?: number | undefined;
  /** Does an abstention count towards the quorum? (true) It never counts as a vote cast. */
  readonly abstentionsCountForQuorum?: boolean | undefined;
}

/**
 * Counts a vote. Without its quorum it has no winner (`no_quorum`), whatever the tally says; the tally is there all the
 * same. Ballots weigh what the electorate says. A ballot of someone who is not in it, an electorate that weighs more
 * than 2^45 or not in positive integers, and any fault that the counting rules name, are RangeErrors.
 */
export function decideVote(poll: Poll): VoteResult {
  checkElectorate(poll.electorate);
  const result = countVote(poll.method, poll.options, weighBallots(poll));
  return hasQuorum(poll, result) ? result : { ...result, winner: undefined, why: 'no_quorum' };
}

/** Has enough weight voted, if `more` weight is cast on top of what a result counted? */
export function hasQuorum(poll: Poll, { cast, abstained }: VoteResult, more = 0): boolean {
  const { quorum = 0, abstentionsCountForQuorum = true } = poll;
  return cast + more + (abstentionsCountForQuorum ? abstained : 0) >= quorum;
}

/** Weight of those who have not voted. */
export function outstandingWeight({ electorate }: Poll, { cast, abstained }: VoteResult): number {
  return totalWeight(electorate) - cast - abstained;
}

function weighBallots({ ballots, electorate }: Poll): readonly Ballot[] {
  return ballots.map(({ voter, choice }) => {
    const weight = electorate.get(voter);
    if (weight === undefined) throw new RangeError(`voter ${voter} is not in the electorate`);
    return { voter, weight, choice };
  });
}

function checkElectorate(electorate: ReadonlyMap<string, number>): void {
  for (const [voter, weight] of electorate) {
    if (!Number.isSafeInteger(weight) || weight < 1) {
      throw new RangeError(`the weight of voter ${voter} is not a positive integer: ${weight}`);
    }
  }
  if (totalWeight(electorate) > MAX_TOTAL_WEIGHT) {
    throw new RangeError(`the electorate weighs more than ${MAX_TOTAL_WEIGHT}`);
  }
}

function totalWeight(electorate: ReadonlyMap<string, number>): number {
  return [...electorate.values()].reduce((total, weight) => total + weight, 0);
}
