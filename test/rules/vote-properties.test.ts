import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Ballot,
  bordaVote,
  type Choice,
  choiceKindOf,
  countVote,
  majorityVote,
  pluralityVote,
  rankedVote,
  schulzeVote,
} from '../../src/rules/index.ts';
import { anyBallots, anyElection, firstPreferences, METHODS, OPTIONS } from './voting.ts';

const runs = { numRuns: 500 };
const anyRankings = anyBallots('ranking');

const NEW_NAMES = new Map<string, string>(
  OPTIONS.map((option, i) => [option, OPTIONS.toReversed()[i] ?? '']),
);

/** Options renamed by turning their order round. */
function renamed(choice: Choice): Choice {
  const name = (option: string) => NEW_NAMES.get(option) ?? '';
  if ('option' in choice) return { option: name(choice.option) };
  if ('approvals' in choice) return { approvals: choice.approvals.map(name) };
  if ('ranking' in choice)
    return {
      ranking: choice.ranking.map((rank) => (typeof rank === 'string' ? name(rank) : rank.map(name))),
    };
  return choice;
}

function renamedOption(option: string | undefined): string | undefined {
  const choice = option === undefined ? undefined : renamed({ option });
  return choice !== undefined && 'option' in choice ? choice.option : undefined;
}

/** A ballot of weight w as w ballots of one vote each. */
function repeated(ballots: readonly Ballot[]): readonly Ballot[] {
  return ballots.flatMap(({ voter, weight = 1, choice }) =>
    Array.from({ length: weight }, (_, i) => ({ voter: `${voter}-${i}`, choice })),
  );
}

describe('every method', () => {
  it('is indifferent to the order of ballots and to the names of voters', () => {
    fc.assert(
      fc.property(anyElection, ({ method, ballots }) => {
        const others = ballots.toReversed().map((ballot, i) => ({ ...ballot, voter: `other-${i}` }));
        expect(countVote(method, OPTIONS, others)).toEqual(countVote(method, OPTIONS, ballots));
      }),
      runs,
    );
  });

  it('counts a ballot of weight w as w ballots', () => {
    fc.assert(
      fc.property(anyElection, ({ method, ballots }) => {
        expect(countVote(method, OPTIONS, repeated(ballots))).toEqual(countVote(method, OPTIONS, ballots));
      }),
      runs,
    );
  });

  it('is indifferent to the names of options, unless a run-off had to break a tie by their order', () => {
    fc.assert(
      fc.property(anyElection, ({ method, ballots }) => {
        const plain = countVote(method, OPTIONS, ballots);
        fc.pre(plain.tally.every(({ tieBrokenBy }) => tieBrokenBy !== 'option_order'));
        const mirror = countVote(
          method,
          OPTIONS,
          ballots.map((ballot) => ({ ...ballot, choice: renamed(ballot.choice) })),
        );
        expect([mirror.winner, mirror.why]).toEqual([renamedOption(plain.winner), plain.why]);
      }),
      runs,
    );
  });

  it('names a winner if and only if it says decided, and accounts for all weight', () => {
    fc.assert(
      fc.property(anyElection, ({ method, ballots }) => {
        const { winner, why, cast, abstained } = countVote(method, OPTIONS, ballots);
        expect(winner !== undefined).toBe(why === 'decided');
        expect(cast + abstained).toBe(ballots.reduce((sum, { weight = 1 }) => sum + weight, 0));
      }),
      runs,
    );
  });

  it('comes to something that is the same after a trip through JSON', () => {
    fc.assert(
      fc.property(anyElection, ({ method, ballots }) => {
        const result = countVote(method, OPTIONS, ballots);
        expect({ winner: undefined, ...JSON.parse(JSON.stringify(result)) }).toEqual(result);
      }),
    );
  });

  it.each(METHODS.map((method) => [JSON.stringify(method), method] as const))(
    '%s: everyone for A elects A',
    (_, method) => {
      const choices: Record<string, Choice> = {
        option: { option: 'A' },
        approvals: { approvals: ['A'] },
        ranking: { ranking: ['A'] },
      };
      const choice = choices[choiceKindOf(method)] ?? { abstain: true };
      expect(countVote(method, OPTIONS, [{ voter: 'v', choice }]).winner).toBe('A');
    },
  );
});

describe('methods compared', () => {
  it('where an option has a majority of first preferences, majority, plurality, run-off and Schulze elect it', () => {
    fc.assert(
      fc.property(anyRankings, (ballots) => {
        const first = firstPreferences(ballots);
        const { winner } = majorityVote(OPTIONS, first);
        const nobody = ballots.some(({ choice }) => 'ranking' in choice && choice.ranking.length === 0);
        fc.pre(winner !== undefined && !nobody);
        expect(pluralityVote(OPTIONS, first).winner).toBe(winner);
        expect(rankedVote(OPTIONS, ballots).winner).toBe(winner);
        expect(schulzeVote(OPTIONS, ballots).winner).toBe(winner);
      }),
      runs,
    );
  });

  it('Schulze elects the option that beats every other in pairs, and never one that loses to every other', () => {
    fc.assert(
      fc.property(anyRankings, (ballots) => {
        const { winner, pairwise } = schulzeVote(OPTIONS, ballots);
        const wins = (i: number, j: number) => (pairwise[i]?.[j] ?? 0) > (pairwise[j]?.[i] ?? 0);
        const others = (i: number) => [...OPTIONS.keys()].filter((j) => j !== i);
        for (const [i, option] of OPTIONS.entries()) {
          if (others(i).every((j) => wins(i, j))) expect(winner).toBe(option);
          if (others(i).every((j) => wins(j, i))) expect(winner).not.toBe(option);
        }
      }),
      runs,
    );
  });

  it('Schulze and Borda never turn against an option that is ranked higher (monotonicity)', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(schulzeVote, bordaVote),
        anyRankings,
        fc.nat(),
        (method, ballots, which) => {
          const { winner } = method(OPTIONS, ballots);
          fc.pre(winner !== undefined);
          const raised = ballots.map((ballot, i) => {
            if (i !== which % ballots.length || !('ranking' in ballot.choice) || winner === undefined)
              return ballot;
            const rest = ballot.choice.ranking.filter((option) => option !== winner);
            return { ...ballot, choice: { ranking: [winner, ...rest] } };
          });
          expect(method(OPTIONS, raised).winner).toBe(winner);
        },
      ),
      runs,
    );
  });

  it('a run-off counts in each round only ballots that are not exhausted, and eliminates one option per round', () => {
    fc.assert(
      fc.property(anyRankings, (ballots) => {
        const { tally, cast } = rankedVote(OPTIONS, ballots);
        for (const [i, { counts, exhausted = 0, eliminated }] of tally.entries()) {
          const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
          expect(total + exhausted).toBe(cast);
          expect(Object.keys(counts)).toHaveLength(OPTIONS.length - i);
          if (eliminated !== undefined) expect(counts[eliminated]).toBe(Math.min(...Object.values(counts)));
        }
      }),
      runs,
    );
  });

  it('every Borda ballot hands out the same number of points, truncated or not', () => {
    fc.assert(
      fc.property(anyRankings, (ballots) => {
        const { tally, cast } = bordaVote(OPTIONS, ballots);
        const total = Object.values(tally[0]?.counts ?? {}).reduce((sum, points) => sum + points, 0);
        expect(total).toBe((cast * OPTIONS.length * (OPTIONS.length - 1)) / 2);
      }),
    );
  });
});
