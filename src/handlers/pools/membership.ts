import { defined } from '../../protocol/defined.ts';
import { type Member, presenceEnds } from '../../protocol/documents.ts';
import { MAX_IDS_TOLD } from '../../protocol/limits.ts';
import type { EndOfStay, Fence } from '../../protocol/marks.ts';
import type { ReleasedData } from '../../protocol/outcome-data.ts';
import { type Accepted, accepted, type EndedStay } from '../kernel/decided.ts';
import type { DomainEvent, MemberEvent } from '../kernel/events.ts';
import { claimIsLive } from '../tasks/lapse.ts';
import type { PoolState } from '../world/pool-state.ts';
import { presenceLapsed } from './guards.ts';

/**
 * The end of the stay of an agent in a pool, by its own word or an operator's: its membership is over, and so is all that it
 * holds there, however much that is. What the agent held goes back to pending in bounded steps.
 */
export function endStay(
  state: PoolState,
  stay: EndedStay,
  more: readonly DomainEvent[] = [],
): Accepted<ReleasedData> {
  const member = state.membership(stay.agent);
  const events = member === undefined ? more : [endOfMembership(member, stay), ...more];
  return { ...accepted(events, releasedBy(state, stay)), ends: stay };
}

/** Ids of the tasks that go back to pending, the first of them, and how many there are. */
function releasedBy(state: PoolState, { agent, at }: EndedStay): ReleasedData {
  const held = state.heldBy(agent).filter((task) => claimIsLive(state, task, at));
  return { released: held.slice(0, MAX_IDS_TOLD).map(({ taskId }) => taskId), count: held.length };
}

/** How a membership ended: one whose presence had lapsed by then did that. */
export function endOfMembership(
  member: Member,
  { why, reason, at }: Pick<Fence, 'why' | 'reason' | 'at'> | EndedStay,
): MemberEvent {
  const { agent, lastSeenAt, joinedAt } = member;
  const how: EndOfStay = presenceLapsed(member, at) ? 'absent' : why;
  switch (how) {
    case 'left':
      return { type: 'member.left', id: agent, data: {} };
    case 'absent':
      return { type: 'member.expired', id: agent, data: { lastSeenAt: lastSeenAt ?? joinedAt } };
    case 'removed':
    case 'banned':
      return { type: 'member.removed', id: agent, data: { why: how, ...withReason(reason) } };
  }
}

/** The stay of a member of which nothing was heard for too long ended when that was so. */
export function silence(member: Member): EndedStay {
  return { agent: member.agent, why: 'absent', at: presenceEnds(member) ?? Number.POSITIVE_INFINITY };
}

export function withReason(reason: string | undefined): { readonly reason?: string } {
  return defined({ reason });
}
