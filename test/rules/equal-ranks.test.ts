/** Ballots that rank options equally, and choices that are none. */
import { describe, expect, it } from 'vitest';
import {
  bordaVote,
  type Choice,
  choiceFault,
  countVote,
  decideVote,
  majorityVote,
  rankedVote,
  schulzeVote,
} from '../../src/rules/index.ts';
import { METHODS, rankings } from './voting.ts';

const ABC = ['A', 'B', 'C'];
const ballot = (choice: Choice) => [{ voter: 'v', choice }];

describe('equal ranks', () => {
  it('Schulze: options of one place are level, and above all that follow', () => {
    const { pairwise } = schulzeVote(ABC, rankings(['A=BC', 5], ['CB=A', 2]));
    expect(pairwise).toEqual([
      [0, 0, 5],
      [0, 0, 5],
      [2, 2, 0],
    ]);
  });

  it('Borda: options of one place share the points of the places that they take', () => {
    expect(bordaVote(ABC, rankings(['A=BC', 1])).tally).toEqual([{ counts: { A: 1.5, B: 1.5, C: 0 } }]);
    expect(bordaVote(ABC, rankings(['AB=C', 1])).tally).toEqual([{ counts: { A: 2, B: 0.5, C: 0.5 } }]);
    expect(bordaVote(ABC, rankings(['A=B=C', 1])).tally).toEqual([{ counts: { A: 1, B: 1, C: 1 } }]);
  });

  it('leaving options out and ranking them equally last is the same ballot', () => {
    for (const method of [schulzeVote, bordaVote]) {
      expect(method(ABC, rankings(['A', 3], ['B', 2]))).toEqual(
        method(ABC, rankings(['AB=C', 3], ['BA=C', 2])),
      );
    }
  });

  it('instant run-off refuses them by name: a ballot counts for one option at a time', () => {
    expect(choiceFault({ ranking: [['A', 'B'], 'C'] }, 'ranking', ABC, false)).toBe('equal_ranks');
    expect(() => rankedVote(ABC, rankings(['A=BC', 1]))).toThrow('ranks options equally');
    expect(rankedVote(ABC, ballot({ ranking: [['A'], 'C'] })).winner).toBe('A');
  });

  it('an option named twice is refused within a place and between places, and so is an empty place', () => {
    for (const ranking of [[['A', 'A']], [['A', 'B'], 'A']])
      expect(choiceFault({ ranking }, 'ranking', ABC)).toBe('duplicate_option');
    expect(choiceFault({ ranking: [[], 'A'] }, 'ranking', ABC)).toBe('wrong_kind');
    expect(choiceFault({ ranking: [['A', 'zzz']] }, 'ranking', ABC)).toBe('unknown_option');
  });

  it('can turn the result: without them those who like two alike would have to choose', () => {
    // Three voters are content with A or B alike; the two others prefer B.
    const equal = rankings(['A=BC', 3], ['BAC', 2]);
    const forced = rankings(['ABC', 3], ['BAC', 2]);
    expect([schulzeVote(ABC, equal).winner, schulzeVote(ABC, forced).winner]).toEqual(['B', 'A']);
    expect([bordaVote(ABC, equal).winner, bordaVote(ABC, forced).winner]).toEqual(['B', 'A']);
  });
});

describe('a choice is exactly one of its kinds', () => {
  const several = { option: 'zzz', abstain: true } as const;

  it.each(METHODS.map((method) => [JSON.stringify(method), method] as const))(
    '%s: an option that also abstains elects nobody',
    (_, method) => {
      expect(() => countVote(method, ABC, ballot(several))).toThrow('is not of the form');
      const electorate = new Map([['v', 1]]);
      expect(() => decideVote({ method, options: ABC, electorate, ballots: ballot(several) })).toThrow(
        RangeError,
      );
    },
  );

  it('so two kinds at once, and none at all, are of the wrong kind', () => {
    const both = { option: 'A', ranking: ['A'] } as const;
    for (const kind of ['option', 'approvals', 'ranking'] as const) {
      expect(choiceFault(both, kind, ABC)).toBe('wrong_kind');
      expect(choiceFault(several, kind, ABC)).toBe('wrong_kind');
    }
    expect(majorityVote(ABC, ballot({ abstain: true })).abstained).toBe(1);
  });
});
