import { describe, expect, it } from 'vitest';
import {
  approvalVote,
  type Ballot,
  bordaVote,
  choiceFault,
  decideVote,
  MAX_TOTAL_WEIGHT,
  majorityVote,
  type Poll,
  pluralityVote,
  rankedVote,
  schulzeVote,
  supermajorityVote,
  unanimousVote,
} from '../../src/rules/index.ts';
import { rankings, votes } from './voting.ts';

const AB = ['A', 'B'];
const ABC = ['A', 'B', 'C'];

describe('plurality', () => {
  it('the most votes win, without a majority too', () => {
    expect(pluralityVote(ABC, votes(['A', 4], ['B', 3], ['C', 2], [null, 5]))).toEqual({
      winner: 'A',
      why: 'decided',
      cast: 9,
      abstained: 5,
      tally: [{ counts: { A: 4, B: 3, C: 2 } }],
    });
  });

  it('a tie at the top has no winner; one further down does not matter', () => {
    expect(pluralityVote(ABC, votes(['A', 4], ['B', 4], ['C', 1]))).toMatchObject({
      winner: undefined,
      why: 'tie',
    });
    expect(pluralityVote(ABC, votes(['A', 4], ['B', 3], ['C', 3])).winner).toBe('A');
  });

  it('nobody voting is a tie of all', () => {
    expect(pluralityVote(ABC, votes([null, 3]))).toMatchObject({ winner: undefined, why: 'tie', cast: 0 });
    expect(pluralityVote(['A'], [])).toMatchObject({ winner: undefined, why: 'tie' });
  });
});

describe('majority', () => {
  it('takes more than half of the votes cast', () => {
    expect(majorityVote(AB, votes(['A', 5], ['B', 4])).winner).toBe('A');
    expect(majorityVote(AB, votes(['A', 4], ['B', 4]))).toMatchObject({
      winner: undefined,
      why: 'no_majority',
    });
    expect(majorityVote(ABC, votes(['A', 4], ['B', 3], ['C', 1])).why).toBe('no_majority');
  });

  it('abstentions are not cast', () => {
    expect(majorityVote(AB, votes(['A', 2], ['B', 1], [null, 90])).winner).toBe('A');
    expect(majorityVote(AB, votes([null, 90])).why).toBe('tie');
  });
});

describe('supermajority', () => {
  const twoThirds = { num: 2, den: 3 };

  it('exactly the share is enough, one vote less is not', () => {
    expect(supermajorityVote(AB, votes(['A', 6], ['B', 3]), twoThirds).winner).toBe('A');
    expect(supermajorityVote(AB, votes(['A', 5], ['B', 3]), twoThirds).why).toBe('no_majority');
  });

  it('is exact where floating point is not: 7 of 10 reach seven tenths, and a huge fraction its integer share', () => {
    expect(supermajorityVote(AB, votes(['A', 7], ['B', 3]), { num: 7, den: 10 }).winner).toBe('A');
    const almostAll = { num: Number.MAX_SAFE_INTEGER - 1, den: Number.MAX_SAFE_INTEGER };
    expect(supermajorityVote(AB, votes(['A', 2 ** 44], ['B', 1]), almostAll).winner).toBeUndefined();
    expect(supermajorityVote(AB, votes(['A', 2 ** 44]), almostAll).winner).toBe('A');
  });

  it('where half or less is enough two options may reach it alike: a tie', () => {
    expect(supermajorityVote(ABC, votes(['A', 4], ['B', 4], ['C', 1]), { num: 1, den: 3 }).why).toBe('tie');
    expect(supermajorityVote(ABC, votes(['A', 4], ['B', 3], ['C', 2]), { num: 1, den: 3 }).winner).toBe('A');
  });

  it('nobody voting reaches no share', () => {
    expect(supermajorityVote(AB, [], twoThirds).why).toBe('tie');
  });

  it.each([
    [0, 3],
    [4, 3],
    [-1, 3],
    [0.5, 1],
    [1, Number.NaN],
  ])('%d/%d is no share', (num, den) => {
    expect(() => supermajorityVote(AB, [], { num, den })).toThrow(RangeError);
  });
});

describe('unanimous', () => {
  it('every vote cast must be for the same option, and an abstention does not block', () => {
    expect(unanimousVote(AB, votes(['A', 2], ['A', 1], [null, 1])).winner).toBe('A');
    expect(unanimousVote(AB, votes(['A', 99], ['B', 1])).why).toBe('no_majority');
    expect(unanimousVote(AB, votes([null, 1])).why).toBe('tie');
  });
});

describe('approval', () => {
  const approving = (...lists: readonly string[]): readonly Ballot[] =>
    lists.map((list, i) => ({ voter: `v${i}`, choice: { approvals: [...list] } }));

  it('the option that most approve wins', () => {
    const { winner, tally } = approvalVote(ABC, approving('AB', 'B', 'CB', 'A'));
    expect([winner, tally]).toEqual(['B', [{ counts: { A: 2, B: 3, C: 1 } }]]);
  });

  it('a ballot that approves nothing is cast and counts for nobody', () => {
    expect(approvalVote(ABC, approving('', 'A'))).toMatchObject({ winner: 'A', cast: 2 });
    expect(approvalVote(ABC, approving(''))).toMatchObject({ why: 'tie', cast: 1 });
  });
});

describe('instant run-off', () => {
  it('a majority of first preferences wins at once', () => {
    expect(rankedVote(ABC, rankings(['AB', 3], ['B', 2])).tally).toHaveLength(1);
  });

  it('an exhausted ballot counts no more: the majority is of those that continue', () => {
    const { winner, tally } = rankedVote(ABC, rankings(['A', 4], ['BA', 3], ['C', 2]));
    expect(winner).toBe('A');
    expect(tally.map(({ exhausted }) => exhausted)).toEqual([0, 2]);
  });

  it('of equals the one goes that had fewer in the latest earlier round in which they differ', () => {
    // First D goes, alone with 1 vote; its ballot makes B equal to C, which had more before.
    const ballots = rankings(['A', 5], ['BA', 3], ['CA', 4], ['DB', 1]);
    const { tally } = rankedVote(['C', 'B', 'A', 'D'], ballots);
    expect(tally[1]).toMatchObject({
      counts: { A: 5, B: 4, C: 4 },
      eliminated: 'B',
      tieBrokenBy: 'previous_rounds',
    });
  });

  it('looks back to the latest round first, not to the first one', () => {
    // C leads B by 4 to 3, then B leads by 5 to 4 with the ballots of E, then those of D make them equal.
    const ballots = rankings(['A', 7], ['B', 3], ['C', 4], ['DC', 1], ['DA', 2], ['EB', 2]);
    const { tally } = rankedVote([...'ABCDE'], ballots);
    expect(tally.slice(0, 3)).toMatchObject([
      { counts: { B: 3, C: 4 }, eliminated: 'E' },
      { counts: { B: 5, C: 4 }, eliminated: 'D' },
      { counts: { A: 9, B: 5, C: 5 }, eliminated: 'C', tieBrokenBy: 'previous_rounds' },
    ]);
  });

  it('of equals that never differed the last in the order of options goes', () => {
    const ballots = rankings(['A', 2], ['BA', 1], ['CA', 1]);
    expect(rankedVote(['A', 'B', 'C'], ballots).tally[0]).toMatchObject({
      eliminated: 'C',
      tieBrokenBy: 'option_order',
    });
    expect(rankedVote(['A', 'C', 'B'], ballots).tally[0]).toMatchObject({
      eliminated: 'B',
      tieBrokenBy: 'option_order',
    });
  });

  it('two options at half each are settled by the same tie-break, so there is a winner', () => {
    expect(rankedVote(AB, rankings(['A', 2], ['B', 2]))).toMatchObject({ winner: 'A', why: 'decided' });
  });

  it('only when no ballot ranks anybody is there none', () => {
    expect(rankedVote(ABC, rankings(['', 3]))).toMatchObject({ winner: undefined, why: 'tie', cast: 3 });
    expect(rankedVote(ABC, [])).toMatchObject({ winner: undefined, why: 'tie' });
  });
});

describe('Schulze', () => {
  it('options that are not ranked are level with each other, below every ranked one', () => {
    const { pairwise } = schulzeVote(ABC, rankings(['B', 3]));
    expect(pairwise).toEqual([
      [0, 0, 0],
      [3, 0, 3],
      [0, 0, 0],
    ]);
  });

  it('a pair that is level is no defeat and carries no path', () => {
    // A beats B by 2 to 1 and is level with C at 2; if 2 to 2 carried a path, B could come back to A through C.
    const { winner, strongestPaths } = schulzeVote(ABC, rankings(['BC', 1], ['AB', 2], ['C', 1]));
    expect(winner).toBe('A');
    expect(strongestPaths).toEqual([
      [0, 2, 2],
      [0, 0, 3],
      [0, 0, 0],
    ]);
  });

  it('two that nobody beats are a tie', () => {
    expect(schulzeVote(ABC, rankings(['AB', 1], ['BA', 1])).why).toBe('tie');
    expect(schulzeVote(ABC, []).why).toBe('tie');
  });
});

describe('Borda', () => {
  it('options that are not ranked share equally the points that are left', () => {
    const { winner, tally } = bordaVote(['A', 'B', 'C', 'D'], rankings(['A', 1], ['BA', 1]));
    expect(tally).toEqual([{ counts: { A: 5, B: 4, C: 1.5, D: 1.5 } }]);
    expect(winner).toBe('A');
  });

  it('a ballot that ranks nobody gives everyone the same', () => {
    expect(bordaVote(ABC, rankings(['', 1]))).toMatchObject({
      why: 'tie',
      tally: [{ counts: { A: 1, B: 1, C: 1 } }],
    });
  });
});

describe('ballots that cannot be counted', () => {
  it.each<[string, readonly string[], readonly Ballot[], RegExp]>([
    ['no options', [], [], /no options/],
    ['65 options', Array.from({ length: 65 }, (_, i) => `o${i}`), [], /more than 64/],
    ['two options alike', ['A', 'A'], [], /same name/],
    ['an unknown option', AB, votes(['C', 1]), /voter v0 names an unknown option/],
    ['a ballot of another kind', AB, rankings(['A', 1]), /voter v0 is not of the form {option}/],
    ['two ballots of a voter', AB, [...votes(['A', 1]), ...votes(['B', 1])], /voter v0 has more than one/],
    ['a weight of zero', AB, votes(['A', 0]), /weight of voter v0/],
    ['half a weight', AB, votes(['A', 0.5]), /weight of voter v0/],
    ['more weight than adds up exactly', AB, votes(['A', MAX_TOTAL_WEIGHT], ['B', 1]), /weigh more/],
  ])('%s: refused with the reason', (_, options, ballots, message) => {
    expect(() => pluralityVote(options, ballots)).toThrow(message);
    expect(() => pluralityVote(options, ballots)).toThrow(RangeError);
  });

  it('an option ranked twice is refused', () => {
    expect(() => rankedVote(AB, rankings(['ABA', 1]))).toThrow(/names an option twice/);
  });

  it('the fault of a choice has a name, so that it can be refused before it is counted', () => {
    expect(choiceFault({ option: 'A' }, 'option', AB)).toBeUndefined();
    expect(choiceFault({ abstain: true }, 'ranking', AB)).toBeUndefined();
    expect(choiceFault({ option: 'C' }, 'option', AB)).toBe('unknown_option');
    expect(choiceFault({ approvals: ['A', 'A'] }, 'approvals', AB)).toBe('duplicate_option');
    expect(choiceFault({ approvals: ['A'] }, 'ranking', AB)).toBe('wrong_kind');
  });

  it('options may be called like what every object has', () => {
    const options = ['__proto__', 'constructor', 'toString'];
    const { winner, tally } = pluralityVote(options, votes(['__proto__', 2], ['constructor', 1]));
    expect(winner).toBe('__proto__');
    expect(Object.entries(tally[0]?.counts ?? {})).toEqual([
      ['__proto__', 2],
      ['constructor', 1],
      ['toString', 0],
    ]);
  });
});

describe('a vote among an electorate', () => {
  const electorate = new Map([
    ['ann', 3],
    ['bob', 1],
    ['cid', 1],
  ]);
  const poll: Poll = { method: 'majority', options: AB, ballots: [], electorate };
  const ann = { voter: 'ann', choice: { option: 'A' } };
  const bob = { voter: 'bob', choice: { option: 'B' } };
  const cid = { voter: 'cid', choice: { abstain: true } } as const;

  it('ballots weigh what the electorate says', () => {
    expect(decideVote({ ...poll, ballots: [ann, bob] })).toMatchObject({ winner: 'A', cast: 4 });
  });

  it('without its quorum a vote has no winner, and its tally all the same', () => {
    expect(decideVote({ ...poll, ballots: [ann], quorum: 4 })).toEqual({
      winner: undefined,
      why: 'no_quorum',
      cast: 3,
      abstained: 0,
      tally: [{ counts: { A: 3, B: 0 } }],
    });
    expect(decideVote({ ...poll, ballots: [ann], quorum: 3 }).winner).toBe('A');
  });

  it('abstentions count towards the quorum unless the vote says otherwise', () => {
    const abstaining: Poll = { ...poll, ballots: [ann, cid], quorum: 4 };
    expect(decideVote(abstaining).winner).toBe('A');
    expect(decideVote({ ...abstaining, abstentionsCountForQuorum: false }).why).toBe('no_quorum');
  });

  it('a ballot of somebody else is refused', () => {
    const ballots = [{ voter: 'eve', choice: { option: 'A' } }];
    expect(() => decideVote({ ...poll, ballots })).toThrow(/eve is not in the electorate/);
  });

  it.each([0, -1, 0.5, Number.NaN, MAX_TOTAL_WEIGHT + 1])('nobody can weigh %d', (weight) => {
    expect(() => decideVote({ ...poll, electorate: new Map([['ann', weight]]) })).toThrow(RangeError);
  });
});
