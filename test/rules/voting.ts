/** Ballots for tests: profiles as elections are published, and arbitrary lists of ballots. */
import fc from 'fast-check';
import {
  type Ballot,
  type Choice,
  type ChoiceKind,
  choiceKindOf,
  type VoteMethod,
} from '../../src/rules/index.ts';

/** `rankings(['ABC', 5], ...)`: five ballots that rank A first, then B, then C. Options are single letters. */
export function rankings(
  ...profile: readonly (readonly [order: string, ballots: number])[]
): readonly Ballot[] {
  return profile.map(([order, weight], i) => ({ voter: `v${i}`, weight, choice: { ranking: [...order] } }));
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
    return { ...ballot, choice: option === undefined ? { abstain: true } : { option } };
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

export function anyChoice(kind: ChoiceKind, options: readonly string[] = OPTIONS): fc.Arbitrary<Choice> {
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
    case 'ranking':
      return fc.oneof({ weight: 6, arbitrary: some.map((ranking) => ({ ranking })) }, abstain);
    default:
      return kind satisfies never;
  }
}

export function anyBallots(
  kind: ChoiceKind,
  options: readonly string[] = OPTIONS,
): fc.Arbitrary<readonly Ballot[]> {
  return fc
    .array(fc.tuple(anyChoice(kind, options), fc.integer({ min: 1, max: 3 })), { maxLength: 9 })
    .map((list) => list.map(([choice, weight], i) => ({ voter: `v${i}`, weight, choice })));
}

/** A method and ballots of the kind that it reads. */
export const anyElection = anyMethod.chain((method) =>
  anyBallots(choiceKindOf(method)).map((ballots) => ({ method, ballots })),
);

/** Every choice that a ballot of this kind can make. */
export function everyChoice(kind: ChoiceKind, options: readonly string[]): readonly Choice[] {
  const abstain: Choice = { abstain: true };
  switch (kind) {
    case 'option':
      return [...options.map((option) => ({ option })), abstain];
    case 'approvals':
      return [...subsetsOf(options).map((approvals) => ({ approvals })), abstain];
    case 'ranking':
      return [...ordersOf(options).map((ranking) => ({ ranking })), abstain];
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
