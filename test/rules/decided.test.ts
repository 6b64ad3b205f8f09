import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Choice,
  choiceKindOf,
  decideVote,
  isDecided,
  type Poll,
  takesEqualRanks,
} from '../../src/rules/index.ts';
import { anyChoice, anyMethod, everyChoice, METHODS } from './voting.ts';

const options = ['A', 'B', 'C'];
const for_ = (option: string): Choice => ({ option });

/** A poll of voters who weigh one each; the first of them have voted. */
function poll(
  method: Poll['method'],
  voters: number,
  choices: readonly Choice[],
  more: Partial<Poll> = {},
): Poll {
  const names = Array.from({ length: voters }, (_, i) => `v${i}`);
  return {
    method,
    options,
    electorate: new Map(names.map((name) => [name, 1])),
    ballots: choices.map((choice, i) => ({ voter: `v${i}`, choice })),
    ...more,
  };
}

/** The poll after each thing that everyone outstanding could do; staying away is one of them. */
function completions(open: Poll): readonly Poll[] {
  const voted = new Set(open.ballots.map(({ voter }) => voter));
  const outstanding = [...open.electorate.keys()].filter((voter) => !voted.has(voter));
  const choices = everyChoice(choiceKindOf(open.method), open.options, takesEqualRanks(open.method));
  return outstanding.reduce<readonly Poll[]>(
    (polls, voter) =>
      polls.flatMap((before) => [
        before,
        ...choices.map((choice) => ({ ...before, ballots: [...before.ballots, { voter, choice }] })),
      ]),
    [open],
  );
}

describe('a vote is decided', () => {
  it('when everyone has voted, whatever came of it', () => {
    expect(isDecided(poll('plurality', 2, [for_('A'), for_('B')]))).toBe(true);
    expect(isDecided(poll('ranked', 1, [{ abstain: true }]))).toBe(true);
  });

  it.each<[string, Poll['method'], number, readonly Choice[], boolean]>([
    ['plurality, a lead that the last can tie', 'plurality', 3, [for_('A'), { abstain: true }], false],
    ['plurality, a lead beyond the last', 'plurality', 3, [for_('A'), for_('A')], true],
    ['majority, the last can still make it half', 'majority', 4, [for_('A'), for_('A')], false],
    ['majority of all', 'majority', 3, [for_('A'), for_('A')], true],
    [
      'no majority within reach',
      'majority',
      7,
      [for_('A'), for_('A'), for_('B'), for_('B'), for_('C'), for_('C')],
      true,
    ],
    ['unanimity broken', 'unanimous', 9, [for_('A'), for_('B')], true],
    ['unanimity can still break', 'unanimous', 3, [for_('A'), for_('A')], false],
    ['two thirds of all', { supermajority: { num: 2, den: 3 } }, 3, [for_('A'), for_('A')], true],
    [
      'two thirds out of reach',
      { supermajority: { num: 2, den: 3 } },
      4,
      [for_('A'), for_('A'), for_('B'), for_('C')],
      true,
    ],
    [
      'run-off, a majority of first preferences',
      'ranked',
      3,
      [{ ranking: ['A'] }, { ranking: ['A', 'B'] }],
      true,
    ],
    ['run-off, less than that', 'ranked', 4, [{ ranking: ['A'] }, { ranking: ['A', 'B'] }], false],
    ['Schulze, every pair won beyond the last', 'schulze', 3, [{ ranking: ['A'] }, { ranking: ['A'] }], true],
    ['Schulze, a pair that the last can tie', 'schulze', 3, [{ ranking: ['A'] }, { abstain: true }], false],
    [
      'Borda, a lead beyond the points of a ballot',
      'borda',
      4,
      Array.from({ length: 3 }, () => ({ ranking: ['A', 'B', 'C'] })),
      true,
    ],
    [
      'Borda, a majority that a ballot can overturn',
      'borda',
      3,
      [{ ranking: ['A', 'B', 'C'] }, { ranking: ['A', 'B', 'C'] }],
      false,
    ],
  ])('%s', (_, method, voters, choices, decided) => {
    expect(isDecided(poll(method, voters, choices))).toBe(decided);
  });

  it('with one option not before a ballot is cast: until then it is a tie', () => {
    for (const method of METHODS) {
      expect(isDecided(poll(method, 2, [], { options: ['A'] })), JSON.stringify(method)).toBe(false);
      expect(decideVote(poll(method, 2, [], { options: ['A'] })).why, JSON.stringify(method)).toBe('tie');
    }
  });

  it('not before its quorum is reached, but when it no longer can be', () => {
    const choices = [for_('A'), for_('A')];
    expect(isDecided(poll('majority', 3, choices, { quorum: 3 }))).toBe(false);
    expect(isDecided(poll('majority', 3, choices, { quorum: 4 }))).toBe(true);
    const abstained: readonly Choice[] = [{ abstain: true }, { abstain: true }];
    expect(isDecided(poll('majority', 3, abstained, { quorum: 2, abstentionsCountForQuorum: false }))).toBe(
      true,
    );
  });

  it('only when nothing that the others can do changes the winner or the reason (all completions tried)', () => {
    const open = fc.tuple(anyMethod, fc.integer({ min: 1, max: 3 })).chain(([method, count]) =>
      fc.record({
        method: fc.constant(method),
        options: fc.constant(options.slice(0, count)),
        choices: fc.array(anyChoice(choiceKindOf(method), options.slice(0, count), takesEqualRanks(method)), {
          maxLength: 6,
        }),
        weights: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 8, maxLength: 8 }),
        outstanding: fc.integer({ min: 1, max: 2 }),
        quorum: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
        abstentionsCountForQuorum: fc.boolean(),
      }),
    );
    let decided = 0;
    fc.assert(
      fc.property(open, ({ method, choices, weights, outstanding, ...rules }) => {
        const names = Array.from({ length: choices.length + outstanding }, (_, i) => `v${i}`);
        const electorate = new Map(names.map((name, i) => [name, weights[i] ?? 1]));
        const asked = poll(method, 0, choices, { ...rules, electorate });
        if (!isDecided(asked)) return;
        decided += 1;
        const { winner, why } = decideVote(asked);
        for (const completion of completions(asked))
          expect(decideVote(completion)).toMatchObject({ winner, why });
      }),
      { numRuns: 1_500 },
    );
    // A rule that never called anything decided would be sound too, and useless.
    expect(decided).toBeGreaterThan(100);
  });

  it('as soon as it is, for the methods that ask for votes of one option (all completions tried)', () => {
    const oneOption = ['plurality', 'majority', 'unanimous', { supermajority: { num: 2, den: 3 } }] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...oneOption),
        fc.array(anyChoice('option', options), { maxLength: 6 }),
        fc.integer({ min: 1, max: 2 }),
        (method, choices, outstanding) => {
          const asked = poll(method, choices.length + outstanding, choices);
          const results = new Set(
            completions(asked).map((completion) => {
              const { winner, why } = decideVote(completion);
              return `${winner} ${why}`;
            }),
          );
          expect(isDecided(asked)).toBe(results.size === 1);
        },
      ),
      { numRuns: 500 },
    );
  });
});
