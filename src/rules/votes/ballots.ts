/** Ballots: what voters hand in, and the checks that every counting rule makes before it counts. */

/** One place of a ranking: an option, or several that the voter ranks equally. */
export type Rank = string | readonly string[];

/**
 * One of the options, any number of them, an order of some or all of them (best first), or none on purpose. A ranking
 * may rank options equally: `[["a", "b"], "c"]` puts a and b level, and both above c.
 */
export type Choice =
  | { readonly option: string }
  | { readonly approvals: readonly string[] }
  | { readonly ranking: readonly Rank[] }
  | { readonly abstain: true };

/** One ballot, with its weight: 1 when left out. */
export interface Ballot {
  readonly voter: string;
  /** A positive integer (1): a ballot of weight 3 counts as three equal ballots. */
  readonly weight?: number | undefined;
  readonly choice: Choice;
}

/** The kind of choice that a counting rule reads; abstaining is possible under each. */
export type ChoiceKind = 'option' | 'approvals' | 'ranking';

/** Most options that a vote may have. */
export const MAX_OPTIONS = 64;

/** Most weight of all ballots together: Borda's points, up to 63 for each, in halves, still add up exactly. */
export const MAX_TOTAL_WEIGHT = 2 ** 45;

/** `equal_ranks`: the method counts first preferences, of which a ballot has one. */
export type ChoiceFault = 'wrong_kind' | 'unknown_option' | 'duplicate_option' | 'equal_ranks';

/** A ballot that was cast, reduced to what counts: the options it names and its weight. */
export interface CastBallot {
  readonly weight: number;
  /** One option, the approved ones, or the ranked ones in order; may be empty. */
  readonly named: readonly string[];
  /** The same, place by place: options of one place are ranked equally. */
  readonly ranks: readonly (readonly string[])[];
}

/** Ballots that were checked. `cast` and `abstained` are weights, not numbers of voters. */
export interface CheckedBallots {
  readonly ballots: readonly CastBallot[];
  readonly cast: number;
  readonly abstained: number;
}

/**
 * Why a choice cannot be counted: it is not exactly one choice of the kind that the method reads, names an option that
 * there is not, names one twice, or ranks options equally where the method does not take that (`equalRanks`: false).
 * Undefined if it can. Abstaining always can, and an empty list is a ballot that prefers nothing.
 */
export function choiceFault(
  choice: Choice,
  kind: ChoiceKind,
  options: readonly string[],
  equalRanks = true,
): ChoiceFault | undefined {
  if (CHOICES.filter((name) => name in choice).length !== 1) return 'wrong_kind';
  if ('abstain' in choice) return choice.abstain === true ? undefined : 'wrong_kind';
  const ranks = ranksOf(choice, kind);
  if (ranks === undefined || ranks.some((rank) => rank.length === 0)) return 'wrong_kind';
  const named = ranks.flat();
  if (named.some((option) => !options.includes(option))) return 'unknown_option';
  if (new Set(named).size < named.length) return 'duplicate_option';
  return !equalRanks && ranks.some((rank) => rank.length > 1) ? 'equal_ranks' : undefined;
}

const CHOICES = ['option', 'approvals', 'ranking', 'abstain'] as const;

/**
 * Checks options and ballots and splits off the abstentions. Throws a RangeError that says what is wrong: no options,
 * more than 64 or two alike; a choice with a fault; a voter with two ballots; a weight that is no positive integer, or
 * weights that together exceed 2^45. Inside the system all of this was refused long before, when the ballot was cast.
 */
export function checkBallots(
  options: readonly string[],
  ballots: readonly Ballot[],
  kind: ChoiceKind,
  equalRanks = true,
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
    const ranks = checkChoice(ballot, kind, options, equalRanks);
    if (ranks === undefined) {
      abstained += weight;
    } else {
      cast += weight;
      checked.push({ weight, named: ranks.flat(), ranks });
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

/** The options that a ballot names, place by place; undefined for an abstention. */
function checkChoice(
  { voter, choice }: Ballot,
  kind: ChoiceKind,
  options: readonly string[],
  equalRanks: boolean,
): readonly (readonly string[])[] | undefined {
  const fault = choiceFault(choice, kind, options, equalRanks);
  switch (fault) {
    case undefined:
      return ranksOf(choice, kind);
    case 'wrong_kind':
      throw new RangeError(`the ballot of voter ${voter} is not of the form {${kind}}`);
    case 'unknown_option':
      throw new RangeError(`the ballot of voter ${voter} names an unknown option`);
    case 'duplicate_option':
      throw new RangeError(`the ballot of voter ${voter} names an option twice`);
    case 'equal_ranks':
      throw new RangeError(
        `the ballot of voter ${voter} ranks options equally, which this method does not allow`,
      );
    default:
      return fault satisfies never;
  }
}

/** The options that a choice of this kind names, place by place; undefined for any other choice. */
function ranksOf(choice: Choice, kind: ChoiceKind): readonly (readonly string[])[] | undefined {
  if ('option' in choice) return kind === 'option' ? [[choice.option]] : undefined;
  if ('approvals' in choice)
    return kind === 'approvals' ? choice.approvals.map((option) => [option]) : undefined;
  if ('ranking' in choice) return kind === 'ranking' ? choice.ranking.map(rankOf) : undefined;
  return undefined;
}

function rankOf(rank: Rank): readonly string[] {
  return typeof rank === 'string' ? [rank] : rank;
}
