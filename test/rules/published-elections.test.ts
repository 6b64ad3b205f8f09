/** Elections whose ballots and results were published: every rule must come to what was found there. */
import { describe, expect, it } from 'vitest';
import { bordaVote, majorityVote, pluralityVote, rankedVote, schulzeVote } from '../../src/rules/index.ts';
import { firstPreferences, rankings } from './voting.ts';

describe('the capital of Tennessee (the textbook example: four cities, percent of the voters near each)', () => {
  const cities = ['M', 'N', 'C', 'K'];
  const ballots = rankings(['MNCK', 42], ['NCKM', 26], ['CKNM', 15], ['KCNM', 17]);

  it('plurality elects Memphis, without a majority', () => {
    expect(pluralityVote(cities, firstPreferences(ballots)).winner).toBe('M');
    expect(majorityVote(cities, firstPreferences(ballots)).why).toBe('no_majority');
  });

  it('Borda elects Nashville with 194 points to 173, 126 and 107', () => {
    const { winner, tally } = bordaVote(cities, ballots);
    expect(winner).toBe('N');
    expect(tally).toEqual([{ counts: { M: 126, N: 194, C: 173, K: 107 } }]);
  });

  it('Schulze elects Nashville, which beats every other city in pairs', () => {
    const { winner, pairwise } = schulzeVote(cities, ballots);
    expect(winner).toBe('N');
    expect(pairwise).toEqual([
      [0, 42, 42, 42],
      [58, 0, 68, 68],
      [58, 32, 0, 83],
      [58, 32, 17, 0],
    ]);
  });

  it('instant run-off eliminates Chattanooga, then Nashville, and elects Knoxville', () => {
    const { winner, tally } = rankedVote(cities, ballots);
    expect(winner).toBe('K');
    expect(tally).toEqual([
      { counts: { M: 42, N: 26, C: 15, K: 17 }, eliminated: 'C', exhausted: 0 },
      { counts: { M: 42, N: 26, K: 32 }, eliminated: 'N', exhausted: 0 },
      { counts: { M: 42, K: 58 }, exhausted: 0 },
    ]);
  });
});

describe("Schulze's example of 45 voters and five candidates", () => {
  const ballots = rankings(
    ['ACBED', 5],
    ['ADECB', 5],
    ['BEDAC', 8],
    ['CABED', 3],
    ['CAEBD', 7],
    ['CBADE', 2],
    ['DCEBA', 7],
    ['EBADC', 8],
  );

  it('elects E, before A, C, B and D', () => {
    const { winner, why, tally } = schulzeVote([...'ABCDE'], ballots);
    expect({ winner, why }).toEqual({ winner: 'E', why: 'decided' });
    expect(tally).toEqual([{ counts: { E: 4, A: 3, C: 2, B: 1, D: 0 } }]);
  });

  it('with the published preferences and strongest paths', () => {
    const { pairwise, strongestPaths } = schulzeVote([...'ABCDE'], ballots);
    expect(pairwise).toEqual([
      [0, 20, 26, 30, 22],
      [25, 0, 16, 33, 18],
      [19, 29, 0, 17, 24],
      [15, 12, 28, 0, 14],
      [23, 27, 21, 31, 0],
    ]);
    expect(strongestPaths).toEqual([
      [0, 28, 28, 30, 24],
      [25, 0, 28, 33, 24],
      [25, 29, 0, 29, 24],
      [25, 28, 28, 0, 24],
      [25, 28, 28, 31, 0],
    ]);
  });
});

describe('Schulze 2011, example 1: 21 voters, four candidates and no Condorcet winner', () => {
  const ballots = rankings(['acdb', 8], ['badc', 2], ['cdba', 4], ['dbac', 4], ['dcba', 3]);

  it('elects d, whose paths to the others are stronger than theirs back', () => {
    const { winner, strongestPaths } = schulzeVote([...'abcd'], ballots);
    expect(winner).toBe('d');
    expect(strongestPaths).toEqual([
      [0, 14, 14, 12],
      [13, 0, 13, 12],
      [13, 15, 0, 12],
      [13, 19, 13, 0],
    ]);
  });
});

describe('Mayor of Burlington, Vermont, 2009: the ballots reduced to Kiss, Montroll and Wright', () => {
  const candidates = ['K', 'M', 'W'];
  const ballots = rankings(
    ['MKW', 1_332],
    ['MWK', 767],
    ['M', 455],
    ['KMW', 2_043],
    ['KWM', 371],
    ['K', 568],
    ['WMK', 1_513],
    ['WKM', 495],
    ['W', 1_289],
  );

  it('instant run-off elected Kiss, by 4,314 to 4,064 over Wright', () => {
    const { winner, tally } = rankedVote(candidates, ballots);
    expect(winner).toBe('K');
    expect(tally).toEqual([
      { counts: { K: 2_982, M: 2_554, W: 3_297 }, eliminated: 'M', exhausted: 0 },
      { counts: { K: 4_314, W: 4_064 }, exhausted: 455 },
    ]);
  });

  it('plurality would have elected Wright', () => {
    expect(pluralityVote(candidates, firstPreferences(ballots)).winner).toBe('W');
  });

  it('Montroll beat Kiss by 4,067 to 3,477 and Wright by 4,597 to 3,668: Schulze would have elected him', () => {
    const { winner, pairwise } = schulzeVote(candidates, ballots);
    expect(winner).toBe('M');
    expect(pairwise).toEqual([
      [0, 3_477, 4_314],
      [4_067, 0, 4_597],
      [4_064, 3_668, 0],
    ]);
  });
});

describe("Condorcet's 81 voters (Essai, 1785), his case against Borda", () => {
  const ballots = rankings(['ABC', 30], ['ACB', 1], ['BAC', 29], ['BCA', 10], ['CAB', 10], ['CBA', 1]);

  it('Borda elects B, with 109 points to 101 and 33', () => {
    const { winner, tally } = bordaVote([...'ABC'], ballots);
    expect(winner).toBe('B');
    expect(tally).toEqual([{ counts: { A: 101, B: 109, C: 33 } }]);
  });

  it('Schulze elects A, which beats B by 41 to 40', () => {
    expect(schulzeVote([...'ABC'], ballots)).toMatchObject({
      winner: 'A',
      pairwise: [
        [0, 41, 60],
        [40, 0, 69],
        [21, 12, 0],
      ],
    });
  });
});

describe("Condorcet's paradox: three voters who go round in a circle", () => {
  const ballots = rankings(['ABC', 1], ['BCA', 1], ['CAB', 1]);

  it('Schulze and Borda find a tie', () => {
    expect(schulzeVote([...'ABC'], ballots)).toMatchObject({ winner: undefined, why: 'tie' });
    expect(bordaVote([...'ABC'], ballots)).toMatchObject({ winner: undefined, why: 'tie' });
  });
});

describe('A77 of the Tideman collection (213 ballots for three candidates, as published with equal last places)', () => {
  const ballots = rankings(
    ['31=2', 39],
    ['132', 38],
    ['312', 36],
    ['321', 29],
    ['123', 28],
    ['213', 15],
    ['12=3', 14],
    ['231', 9],
    ['21=3', 5],
  );

  it('Schulze elects 3, which beats both others in pairs', () => {
    const { winner, cast, pairwise } = schulzeVote(['1', '2', '3'], ballots);
    expect([winner, cast]).toEqual(['3', 213]);
    expect(pairwise).toEqual([
      [0, 116, 95],
      [58, 0, 57],
      [113, 142, 0],
    ]);
  });

  it('Borda elects 3, and the shared points are halves', () => {
    const { winner, tally } = bordaVote(['1', '2', '3'], ballots);
    expect(winner).toBe('3');
    expect(tally).toEqual([{ counts: { 1: 233.0, 2: 141.5, 3: 264.5 } }]);
  });
});
