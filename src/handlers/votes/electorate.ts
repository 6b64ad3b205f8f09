/** Who may vote: settled when the vote is opened. */
import { presenceLapsed } from '../pools/guards.ts';
import type { PoolState } from '../world/pool-state.ts';

/** Everyone who is a member at this moment: in `commons` those who have joined it. Sorted. */
export function membersAt(state: PoolState, now: number): readonly string[] {
  const present: string[] = [];
  for (const member of state.members.values()) {
    if (!presenceLapsed(member, now) && !state.isVoidMember(member)) present.push(member.agent);
  }
  return present.sort();
}
