/** Ballots: what voters hand in, and the checks that every counting rule makes before it counts. */

/** One of the options, any number of them, an order of some or all of them (best first), or none on purpose. */
export type Choice =
  | { readonly option: string }
  | { readonly approvals: readonly string[] }
  | { readonly ranking: readonly string[] }
  | { readonly abstain: true };

export interface Ballot {
  readonly voter: string;
  /** A positive integer (1): a ballot of weight 3 counts as three equal ballots. */
  readonly weight?: number | undefined;
  readonly choice: Choice;
}

/** The kind of choice that a counting rule reads; abstaining is possible under each. */
export type ChoiceKind = 'option' | 'approvals' | 'ranking';

export const MAX_OPTIONS = 64;

/** Most weight of all ballots together: Borda's points, up to 63 for each, in halves, still add up exactly. */
export const MAX_TOTAL_WEIGHT = 2 ** 45;

export type ChoiceFault = 'wrong_kind' | 'unknown_option' | 'duplicate_option';

/** A ballot that was cast, reduced to what counts: the options it names and its weight. */
export interface CastBallot {
  readonly weight: number;
  /** One option, the approved ones, or the ranked ones in order; may be empty. */
  readonly named: readonly string[];
}

/** Ballots that were checked. `cast` and `abstained` are weights, not numbers of voters. */
export interface CheckedBallots {
  readonly ballots: readonly CastBallot[];
  readonly cast: number;
  readonly abstained: number;
}

/**
 * Why a choice cannot be counted: it is not of the kind that the method reads, names an option that there is not, or
 * names one twice. Undefined if it can. Abstaining always can, and an empty list is a ballot that prefers nothing.
 */
export function choiceFault(
  choice: Choice,
  kind: ChoiceKind,
  options: readonly string[],
): ChoiceFault | undefined {
  if ('abstain' in choice) return undefined;
  const named = namedBy(choice, kind);
  if (named === undefined) return 'wrong_kind';
  if (named.some((option) => !options.includes(option))) return 'unknown_option';
  return new Set(named).size < named.length ? 'duplicate_option' : undefined;
}

/**
 * Checks options and ballots and splits off the abstentions. Throws a RangeError that says what is wrong: no options,
 * more than 64 or two alike; a choice with a fault; a voter with two ballots; a weight that is no positive integer, or
 * weights that together exceed 2^45. Inside the system all of this was refused long before, when the ballot was cast.
 */
export function checkBallots(
  options: readonly string[],
  ballots: readonly Ballot[],
  kind: ChoiceKind,
): CheckedBallots {
  checkOptions(options);
  const voters = new Set<string>();
  const checked: CastBallot[] = [];
  let cast = 0;
  let abstained = 0;
  for (const ballot of ballots) {
    if (voters.has(ballot.voter)) throw new RangeError(`voter ${ballot.voter} has more than one ballot`);
    voters.add(ballot.voter);
    const weight = checkWeight(ballot);
    const named = checkChoice(ballot, kind, options);
    if (named === undefined) {
      abstained += weight;
    } else {
      cast += weight;
      checked.push({ weight, named });
    }
    if (cast + abstained > MAX_TOTAL_WEIGHT) {
      throw new RangeError(`the ballots weigh more than ${MAX_TOTAL_WEIGHT} together`);
    }
  }
  return { ballots: checked, cast, abstained };
}

/** How much weight names each option: of every ballot the first `places` names count. Options keep their order. */
export function countNamed(
  options: readonly string[],
  ballots: readonly CastBallot[],
  places: number,
): Map<string, number> {
  const counts = new Map(options.map((option) => [option, 0]));
  for (const { weight, named } of ballots) {
    for (const option of named.slice(0, places)) counts.set(option, (counts.get(option) ?? 0) + weight);
  }
  return counts;
}

function checkOptions(options: readonly string[]): void {
  if (options.length === 0) throw new RangeError('there is nothing to choose from: no options');
  if (options.length > MAX_OPTIONS) throw new RangeError(`more than ${MAX_OPTIONS} options`);
  if (new Set(options).size < options.length) throw new RangeError('two options have the same name');
}

function checkWeight({ voter, weight = 1 }: Ballot): number {
  if (!Number.isSafeInteger(weight) || weight < 1) {
    throw new RangeError(`the weight of voter ${voter} is not a positive integer: ${weight}`);
  }
  return weight;
}

/** The options that a ballot names; undefined for an abstention. */
function checkChoice(
  { voter, choice }: Ballot,
  kind: ChoiceKind,
  options: readonly string[],
): readonly string[] | undefined {
  const fault = choiceFault(choice, kind, options);
  switch (fault) {
    case undefined:
      return namedBy(choice, kind);
    case 'wrong_kind':
      throw new RangeError(`the ballot of voter ${voter} is not of the form {${kind}}`);
    case 'unknown_option':
      throw new RangeError(`the ballot of voter ${voter} names an option that there is not`);
    case 'duplicate_option':
      throw new RangeError(`the ballot of voter ${voter} names an option twice`);
    default:
      return fault satisfies never;
  }
}

function namedBy(choice: Choice, kind: ChoiceKind): readonly string[] | undefined {
  if ('option' in choice) return kind === 'option' ? [choice.option] : undefined;
  if ('approvals' in choice) return kind === 'approvals' ? choice.approvals : undefined;
  if ('ranking' in choice) return kind === 'ranking' ? choice.ranking : undefined;
  return undefined;
}
