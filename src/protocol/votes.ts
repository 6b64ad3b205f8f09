/**
 * Votes (docs/protocol.md, "Votes"). A document is written again with every ballot, so ballots are kept as short texts in the
 * order of the electorate; queries return them in words.
 */
import {
  type Choice,
  type VoteResult as CountedResult,
  choiceKindOf,
  type VoteMethod,
} from '../rules/index.ts';
import type { EntityCommon } from './entity-common.ts';
import { MAX_BALLOTS_BYTES } from './limits.ts';

export type { VoteMethod } from '../rules/index.ts';

/** The content of a ballot, as the rules take it. */
export type VoteChoice = Choice;

/** The result of a count, as it is kept: `winner` is absent where there is none. */
export type VoteResult = Omit<CountedResult, 'winner'> & { readonly winner?: string };

/**
 * Why a vote was closed: its time came, its opener said so, the others could change nothing any more, or its opener was banned
 * with all its work.
 */
export type VoteCloseCause = 'time' | 'opener' | 'decided' | 'cancelled';

/** How many voters, and what they weigh together. */
export interface VoterCount {
  readonly voters: number;
  readonly weight: number;
}

interface VoteCommon extends EntityCommon {
  readonly kind: 'vote';
  readonly opener: string;
  readonly question: string;
  readonly options: readonly string[];
  readonly method: VoteMethod;
  /** Was the electorate named one by one, or was it the members at the moment of opening? */
  readonly electorate: 'members' | 'list';
  /** Everyone who may vote: frozen at opening. */
  readonly eligible: VoterCount;
  /** Weights that were stated; everyone else weighs 1. */
  readonly weights?: Readonly<Record<string, number>>;
  /** Weight that must have voted for the vote to count at all. */
  readonly quorum?: number;
  readonly abstentionsCountForQuorum: boolean;
  readonly changeable: boolean;
  readonly closeWhenDecided: boolean;
  readonly closesAt: number;
}

export interface OpenVote extends VoteCommon {
  readonly state: 'open';
  /** The electorate, sorted. */
  readonly voters: readonly string[];
  /** The ballot of each voter, at the same place; `null` of who has not voted. */
  readonly ballots: readonly (string | null)[];
}

export interface ClosedVote extends VoteCommon {
  readonly state: 'closed';
  readonly finishedAt: number;
  readonly cause: VoteCloseCause;
  readonly result: VoteResult;
  /** Those who voted, sorted, and their ballots. */
  readonly voters: readonly string[];
  readonly ballots: readonly string[];
}

export type Vote = OpenVote | ClosedVote;

/** One character for each of the 64 options that a vote can have; they are those of base64url. */
const CODES = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const ABSTENTION = '!';

/**
 * A choice as it is kept: the options that it names, a character each, in their order, those that are ranked equally in
 * parentheses; `!` is an abstention.
 */
export function encodeChoice(options: readonly string[], choice: VoteChoice): string {
  if ('abstain' in choice) return ABSTENTION;
  const ranks: readonly (string | readonly string[])[] =
    'option' in choice ? [choice.option] : 'approvals' in choice ? choice.approvals : choice.ranking;
  const codeOf = (option: string) => CODES.charAt(options.indexOf(option));
  return ranks
    .map((rank) => (typeof rank === 'string' ? codeOf(rank) : `(${rank.map(codeOf).join('')})`))
    .join('');
}

/** The choice that was kept, in the form that the method asks for. */
export function decodeChoice(
  { options, method }: Pick<Vote, 'options' | 'method'>,
  code: string,
): VoteChoice {
  if (code === ABSTENTION) return { abstain: true };
  const decoded = (text: string) => [...text].flatMap((char) => options[CODES.indexOf(char)] ?? []);
  const named = decoded(code);
  switch (choiceKindOf(method)) {
    case 'option': {
      const [option] = named;
      if (option === undefined) throw new Error(`a ballot for no option: ${code}`);
      return { option };
    }
    case 'approvals':
      return { approvals: named };
    case 'ranking':
      return {
        ranking: ranksIn(code).flatMap<string | string[]>((rank) =>
          rank.startsWith('(') ? [decoded(rank)] : decoded(rank),
        ),
      };
  }
}

/** The code of a ranking in its places: single options, and those that are ranked equally with their parentheses. */
function ranksIn(code: string): readonly string[] {
  return code.match(/\([^)]*\)|[^(]/g) ?? [];
}

/** The weight of an agent's ballot. Agents may be named like members that every object has: `constructor`. */
export function weightOf(weights: Vote['weights'], voter: string): number {
  return weights !== undefined && Object.hasOwn(weights, voter) ? (weights[voter] ?? 1) : 1;
}

/**
 * A vote as anyone may see it, by the names that decisions use: all of it but the ballots, which are read by pages, and
 * how many they are.
 */
export type PublicVote = Omit<OpenVote, 'id' | 'kind' | 'voters' | 'ballots' | 'state'> & {
  readonly voteId: string;
  readonly turnout: VoterCount;
} & (
    | { readonly state: 'open' }
    | ({ readonly state: 'closed' } & Pick<ClosedVote, 'cause' | 'result' | 'finishedAt'>)
  );

/** How someone voted. */
export interface PublicBallot {
  readonly voter: string;
  readonly weight: number;
  readonly choice: VoteChoice;
}

export function publicVote(vote: Vote): PublicVote {
  const turnout = turnoutOf(vote);
  if (vote.state === 'open') {
    const { id, kind: _, voters: _voters, ballots: _ballots, ...rest } = vote;
    return { voteId: id, ...rest, turnout };
  }
  const { id, kind: _, voters: _voters, ballots: _ballots, ...rest } = vote;
  return { voteId: id, ...rest, turnout };
}

function turnoutOf({ voters, ballots, weights }: Vote): VoterCount {
  const voted = voters.filter((_, seat) => ballots[seat] != null);
  const weight = voted.reduce((sum, voter) => sum + weightOf(weights, voter), 0);
  return { voters: voted.length, weight };
}

/**
 * Ballots are public: a page of them, by name of the voter, and no more than one answer holds beside the vote itself.
 * `cursor` is the last voter of the page before.
 */
export function publicBallots(
  vote: Vote,
  { limit, cursor = '' }: { readonly limit: number; readonly cursor?: string | undefined },
): { readonly items: readonly PublicBallot[]; readonly cursor?: string } {
  const cast = vote.voters.flatMap((voter, seat) => {
    const code = vote.ballots[seat];
    return code == null || voter <= cursor ? [] : [{ voter, code }];
  });
  const items: PublicBallot[] = [];
  if (limit < 1) return { items };
  let bytes = 0;
  for (const { voter, code } of cast) {
    const ballot = { voter, weight: weightOf(vote.weights, voter), choice: decodeChoice(vote, code) };
    bytes += Buffer.byteLength(JSON.stringify(ballot)) + 1;
    const last = items.at(-1);
    if (last !== undefined && (items.length >= limit || bytes > MAX_BALLOTS_BYTES))
      return { items, cursor: last.voter };
    items.push(ballot);
  }
  return { items };
}
