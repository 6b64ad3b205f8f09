/** The methods by name, as a decision to open a vote names them. */
import { approvalVote } from './approval.ts';
import type { Ballot, ChoiceKind } from './ballots.ts';
import { bordaVote } from './borda.ts';
import { type Fraction, majorityVote, supermajorityVote, unanimousVote } from './majority.ts';
import { pluralityVote } from './plurality.ts';
import { rankedVote } from './ranked.ts';
import type { VoteResult } from './result.ts';
import { schulzeVote } from './schulze.ts';

/** How ballots are counted; see {@link decideVote}. */
export type VoteMethod =
  | 'plurality'
  | 'majority'
  | { readonly supermajority: Fraction }
  | 'unanimous'
  | 'approval'
  | 'ranked'
  | 'schulze'
  | 'borda';

/** The content that this method requires of a ballot, unless it is an abstention. */
export function choiceKindOf(method: VoteMethod): ChoiceKind {
  if (typeof method === 'object') return 'option';
  switch (method) {
    case 'plurality':
    case 'majority':
    case 'unanimous':
      return 'option';
    case 'approval':
      return 'approvals';
    case 'ranked':
    case 'schulze':
    case 'borda':
      return 'ranking';
    default:
      return method satisfies never;
  }
}

/** May a ballot rank options equally? In an instant run-off it counts for one option at a time, so it may not. */
export function takesEqualRanks(method: VoteMethod): boolean {
  return method !== 'ranked';
}

/** Counts ballots by a method. The quorum is `decideVote`'s business. */
export function countVote(
  method: VoteMethod,
  options: readonly string[],
  ballots: readonly Ballot[],
): VoteResult {
  if (typeof method === 'object') return supermajorityVote(options, ballots, method.supermajority);
  switch (method) {
    case 'plurality':
      return pluralityVote(options, ballots);
    case 'majority':
      return majorityVote(options, ballots);
    case 'unanimous':
      return unanimousVote(options, ballots);
    case 'approval':
      return approvalVote(options, ballots);
    case 'ranked':
      return rankedVote(options, ballots);
    case 'schulze':
      return schulzeVote(options, ballots);
    case 'borda':
      return bordaVote(options, ballots);
    default:
      return method satisfies never;
  }
}
