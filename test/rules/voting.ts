/** Ballots for tests: profiles as elections are published, and arbitrary lists of ballots. */
import fc from 'fast-check';
import {
  type Ballot,
  type Choice,
  type ChoiceKind,
  choiceKindOf,
  type Rank,
  takesEqualRanks,
  type VoteMethod,
} from '../../src/rules/index.ts';

/**
 * `rankings(['ABC', 5], ...)`: five ballots that rank A first, then B, then C. Options are single letters; `A=BC` ranks
 * A and B equally, and both above C.
 */
export function rankings(
  ...profile: readonly (readonly [order: string, ballots: number])[]
): readonly Ballot[] {
  return profile.map(([order, weight], i) => ({
    voter: `v${i}`,
    weight,
    choice: {
      ranking: (order.match(/.(=.)*/g) ?? []).map((rank) => (rank.length === 1 ? rank : rank.split('='))),
    },
  }));
}

/** `votes(['A', 5], ...)`: five ballots for A; `null` abstains. */
export function votes(
  ...profile: readonly (readonly [option: string | null, ballots: number])[]
): readonly Ballot[] {
  return profile.map(([option, weight], i) => ({
    voter: `v${i}`,
    weight,
    choice: option === null ? { abstain: true } : { option },
  }));
}

/** The first preferences of ranked ballots. */
export function firstPreferences(ballots: readonly Ballot[]): readonly Ballot[] {
  return ballots.map((ballot) => {
    const [option] = 'ranking' in ballot.choice ? ballot.choice.ranking : [];
    return { ...ballot, choice: typeof option === 'string' ? { option } : { abstain: true } };
  });
}

export const OPTIONS = ['A', 'B', 'C', 'D'] as const;

export const METHODS: readonly VoteMethod[] = [
  'plurality',
  'majority',
  { supermajority: { num: 2, den: 3 } },
  { supermajority: { num: 1, den: 3 } },
  'unanimous',
  'approval',
  'ranked',
  'schulze',
  'borda',
];

export const anyMethod = fc.constantFrom(...METHODS);

/** Some of the options in places, each of one option or more. */
function anyRanking(options: readonly string[]): fc.Arbitrary<readonly Rank[]> {
  return fc
    .tuple(fc.shuffledSubarray([...options]), fc.array(fc.boolean(), { minLength: 64, maxLength: 64 }))
    .map(([order, joins]) => {
      const places: string[][] = [];
      for (const [i, option] of order.entries()) {
        const last = places.at(-1);
        if (last !== undefined && joins[i] === true) last.push(option);
        else places.push([option]);
      }
      return places.map((place) => (place.length === 1 ? (place[0] ?? '') : place));
    });
}

export function anyChoice(
  kind: ChoiceKind,
  options: readonly string[] = OPTIONS,
  equalRanks = false,
): fc.Arbitrary<Choice> {
  const abstain = fc.constant<Choice>({ abstain: true });
  const some = fc.shuffledSubarray([...options]);
  switch (kind) {
    case 'option':
      return fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(...options).map((option) => ({ option })) },
        abstain,
      );
    case 'approvals':
      return fc.oneof({ weight: 6, arbitrary: some.map((approvals) => ({ approvals })) }, abstain);
    case 'ranking': {
      const ranking: fc.Arbitrary<readonly Rank[]> = equalRanks ? anyRanking(options) : some;
      return fc.oneof({ weight: 6, arbitrary: ranking.map((ranks) => ({ ranking: ranks })) }, abstain);
    }
    default:
      return kind satisfies never;
  }
}

export function anyBallots(
  kind: ChoiceKind,
  options: readonly string[] = OPTIONS,
  equalRanks = false,
): fc.Arbitrary<readonly Ballot[]> {
  return fc
    .array(fc.tuple(anyChoice(kind, options, equalRanks), fc.integer({ min: 1, max: 3 })), { maxLength: 9 })
    .map((list) => list.map(([choice, weight], i) => ({ voter: `v${i}`, weight, choice })));
}

/** A method and ballots of the kind that it reads. */
export const anyElection = anyMethod.chain((method) =>
  anyBallots(choiceKindOf(method), OPTIONS, takesEqualRanks(method)).map((ballots) => ({ method, ballots })),
);

/** Every choice that a ballot of this kind can make. */
export function everyChoice(
  kind: ChoiceKind,
  options: readonly string[],
  equalRanks = false,
): readonly Choice[] {
  const abstain: Choice = { abstain: true };
  switch (kind) {
    case 'option':
      return [...options.map((option) => ({ option })), abstain];
    case 'approvals':
      return [...subsetsOf(options).map((approvals) => ({ approvals })), abstain];
    case 'ranking':
      return [
        ...(equalRanks ? weakOrdersOf(options) : ordersOf(options)).map((ranking) => ({ ranking })),
        abstain,
      ];
    default:
      return kind satisfies never;
  }
}

function subsetsOf(options: readonly string[]): readonly (readonly string[])[] {
  const [first, ...rest] = options;
  if (first === undefined) return [[]];
  const without = subsetsOf(rest);
  return [...without, ...without.map((subset) => [first, ...subset])];
}

/** Every order of some of the options, the empty one included. */
function ordersOf(options: readonly string[]): readonly (readonly string[])[] {
  const longer = options.flatMap((first) =>
    ordersOf(options.filter((option) => option !== first)).map((order) => [first, ...order]),
  );
  return [[], ...longer];
}

/** The same with equal ranks: every place takes a part of the options that are left. */
function weakOrdersOf(options: readonly string[]): readonly (readonly Rank[])[] {
  const longer = subsetsOf(options)
    .filter((place) => place.length > 0)
    .flatMap((place) =>
      weakOrdersOf(options.filter((option) => !place.includes(option))).map((order) => [place, ...order]),
    );
  return [[], ...longer];
}
