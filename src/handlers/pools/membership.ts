import type { Member } from '../../protocol/documents.ts';
import type { DomainEvent, MemberEvent } from '../events.ts';
import { lapse } from '../tasks/lapse.ts';
import type { PoolState } from '../world/pool-state.ts';

type EndOfMembership = 'left' | 'absent' | 'removed' | 'banned';

/**
 * The end of a membership: its claims end first, so that no claim is ever held by a stranger. Claims that have ended by now
 * ends as time ended it; the rest goes back to pending.
 */
export function endMembership(
  state: PoolState,
  member: Member,
  why: EndOfMembership,
  now: number,
  reason?: string,
): DomainEvent[] {
  return [...endClaims(state, member.agent, why, now), ended(member, why, reason)];
}

/** The same for the claims of an agent alone: in `commons` one can have claims without having joined. */
export function endClaims(state: PoolState, agent: string, why: EndOfMembership, now: number): DomainEvent[] {
  return state.heldBy(agent).flatMap((task): readonly DomainEvent[] => {
    const { events } = lapse(state, task, now);
    if (events.length > 0 || why === 'absent') return events;
    const { epoch } = task.claim;
    return [{ type: 'task.released', id: task.taskId, data: { agent, epoch, why } }];
  });
}

function ended({ agent, lastSeenAt, joinedAt }: Member, why: EndOfMembership, reason?: string): MemberEvent {
  switch (why) {
    case 'left':
      return { type: 'member.left', id: agent, data: {} };
    case 'absent':
      return { type: 'member.expired', id: agent, data: { lastSeenAt: lastSeenAt ?? joinedAt } };
    case 'removed':
    case 'banned':
      return { type: 'member.removed', id: agent, data: { why, ...withReason(reason) } };
  }
}

export function withReason(reason: string | undefined): { readonly reason?: string } {
  return reason === undefined ? {} : { reason };
}
