/** Instant run-off voting (Ware 1871; also alternative vote, ranked-choice voting). */
import { type Ballot, type CastBallot, checkBallots } from './ballots.ts';
import { roundOf, type VoteResult, type VoteRound } from './result.ts';

type Counts = ReadonlyMap<string, number>;

interface Elimination {
  readonly eliminated: string;
  readonly tieBrokenBy?: 'previous_rounds' | 'option_order';
}

/**
 * Each ballot, `{ranking}`, counts for the best-ranked option that is still in. An option with more than half of the
 * ballots that still count wins; until then each round eliminates the option with the fewest.
 *
 * Among equals, the one goes that had fewest in the latest earlier round in which they differ; if they never differed,
 * the one that comes last in the order of options. So there is always a winner, except when no ballot ranks anyone
 * (`tie`). Rankings may be truncated: a ballot that ranks nobody who is still in is exhausted and counts no more. Equal
 * ranks are refused (`equal_ranks`): a ballot counts for one option at a time.
 */
export function rankedVote(options: readonly string[], ballots: readonly Ballot[]): VoteResult {
  const { ballots: checked, cast, abstained } = checkBallots(options, ballots, 'ranking', false);
  const tally: VoteRound[] = [];
  const earlier: Counts[] = [];
  let remaining = options;
  for (;;) {
    const counts = countFirst(remaining, checked);
    const continuing = sum(counts);
    const round = { ...roundOf(counts), exhausted: cast - continuing };
    const winner = remaining.find((option) => 2 * countOf(counts, option) > continuing);
    const next = winner === undefined && continuing > 0 ? eliminate(counts, earlier) : undefined;
    if (next === undefined) {
      tally.push(round);
      return { winner, why: winner === undefined ? 'tie' : 'decided', cast, abstained, tally };
    }
    tally.push({ ...round, ...next });
    earlier.push(counts);
    remaining = remaining.filter((option) => option !== next.eliminated);
  }
}

function countFirst(remaining: readonly string[], ballots: readonly CastBallot[]): Counts {
  const counts = new Map(remaining.map((option) => [option, 0]));
  for (const { weight, named } of ballots) {
    const first = named.find((option) => counts.has(option));
    if (first !== undefined) counts.set(first, countOf(counts, first) + weight);
  }
  return counts;
}

/** Who is out: looks back through the rounds, the latest first, keeping only those with the fewest in each. */
function eliminate(counts: Counts, earlier: readonly Counts[]): Elimination | undefined {
  let lowest = fewest([...counts.keys()], counts);
  const tied = lowest.length > 1;
  for (const before of earlier.toReversed()) lowest = fewest(lowest, before);
  const eliminated = lowest.at(-1);
  if (eliminated === undefined) return undefined;
  if (!tied) return { eliminated };
  return { eliminated, tieBrokenBy: lowest.length > 1 ? 'option_order' : 'previous_rounds' };
}

function fewest(options: readonly string[], counts: Counts): readonly string[] {
  const least = options.reduce(
    (few, option) => Math.min(few, countOf(counts, option)),
    Number.POSITIVE_INFINITY,
  );
  return options.filter((option) => countOf(counts, option) === least);
}

function countOf(counts: Counts, option: string): number {
  return counts.get(option) ?? 0;
}

function sum(counts: Counts): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
