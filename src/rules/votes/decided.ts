/** Whether a vote can be closed before its time. */
import { decideVote, hasQuorum, outstandingWeight, type Poll } from './decide.ts';
import { reachesShare } from './majority.ts';
import { condorcetWinner } from './pairwise.ts';
import type { VoteResult } from './result.ts';

/**
 * Can those who have not voted no longer change the result, that is the winner or the reason why there is none?
 *
 * The answer is sound: `true` holds whatever the others do, voting or abstaining or staying away. It may come late,
 * because the outstanding weight is taken as if it could be split at will, and because the ranked methods are asked a
 * simpler question: a majority of first preferences (instant run-off), a Condorcet winner (Schulze) or a lead (Borda)
 * that the outstanding weight cannot undo. With nobody outstanding it is always `true`.
 *
 * Ballots that are cast are taken to stay. Where voters may still change theirs, `true` means that nobody who has not
 * voted yet can change the result. Every call counts all ballots.
 */
export function isDecided(poll: Poll): boolean {
  const result = decideVote(poll);
  const outstanding = outstandingWeight(poll, result);
  if (outstanding === 0) return true;
  if (!hasQuorum(poll, result)) return !hasQuorum(poll, result, outstanding);
  return isSettled(poll, result, outstanding);
}

function isSettled(poll: Poll, result: VoteResult, outstanding: number): boolean {
  const { method } = poll;
  // Nobody has cast a ballot: that is a tie now, and the first ballot makes it something else.
  if (result.cast === 0) return false;
  const standing = standingOf(result);
  const all = result.cast + outstanding;
  if (typeof method === 'object') {
    const { supermajority: share } = method;
    if (!reachesShare(share, standing.first + outstanding, all)) return true;
    return reachesShare(share, standing.first, all) && standing.first > standing.second + outstanding;
  }
  switch (method) {
    case 'plurality':
    case 'approval':
      return standing.first > standing.second + outstanding;
    case 'majority':
      return 2 * standing.first > all || 2 * (standing.first + outstanding) <= all;
    case 'unanimous':
      return standing.second > 0;
    case 'ranked':
      return 2 * standing.first > all;
    case 'schulze':
      // Who beats everyone in pairs even if all that is outstanding prefers everyone else: such a winner always wins.
      return condorcetWinner(poll.options, result.pairwise ?? [], outstanding) !== undefined;
    case 'borda':
      // One ballot moves two options apart by at most the points of the first place.
      return standing.first > standing.second + outstanding * (poll.options.length - 1);
    default:
      return method satisfies never;
  }
}

/** The two largest counts of the first round. */
function standingOf({ tally }: VoteResult): { readonly first: number; readonly second: number } {
  const [first = 0, second = 0] = Object.values(tally[0]?.counts ?? {}).sort((a, b) => b - a);
  return { first, second };
}
