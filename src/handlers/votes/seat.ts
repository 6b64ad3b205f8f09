import type { OpenVote } from '../../protocol/votes.ts';

/** The place of a voter in the electorate, which is sorted; undefined of someone who is not in it. */
export function seatOf({ voters }: OpenVote, voter: string): number | undefined {
  let low = 0;
  let high = voters.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const there = voters[middle] ?? '';
    if (there === voter) return middle;
    if (there < voter) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}
