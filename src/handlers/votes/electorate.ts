/** Who may vote: settled when the vote is opened, and looked up with every ballot. */
import type { OpenVote } from '../../protocol/votes.ts';
import { presenceLapsed } from '../pools/guards.ts';
import type { PoolState } from '../world/pool-state.ts';

/** Everyone who is a member at this moment: in `commons` those who have joined it. Sorted. */
export function membersAt(state: PoolState, now: number): readonly string[] {
  const present: string[] = [];
  for (const member of state.members.values()) {
    if (!presenceLapsed(member, now)) present.push(member.agent);
  }
  return present.sort();
}

/** The place of a voter in the electorate, which is sorted; undefined of somebody who is not in it. */
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
