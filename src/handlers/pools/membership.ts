import type { Member } from '../../protocol/documents.ts';
import type { DomainEvent, MemberEvent } from '../events.ts';
import { lapse } from '../tasks/lapse.ts';
import type { PoolState } from '../world/pool-state.ts';

/**
 * The end of a membership: its claims end first, so that no claim is ever held by a stranger. What is over by now
 * ends as time ended it; the rest goes back to pending.
 */
export function endMembership(
  state: PoolState,
  member: Member,
  why: 'left' | 'absent',
  now: number,
): DomainEvent[] {
  const released = state.heldBy(member.agent).flatMap((task): readonly DomainEvent[] => {
    const { events } = lapse(state, task, now);
    if (events.length > 0 || why === 'absent') return events;
    const { agent, epoch } = task.claim;
    return [{ type: 'task.released', id: task.taskId, data: { agent, epoch, why } }];
  });
  const ended: MemberEvent =
    why === 'left'
      ? { type: 'member.left', id: member.agent, data: {} }
      : {
          type: 'member.expired',
          id: member.agent,
          data: { lastSeenAt: member.lastSeenAt ?? member.joinedAt },
        };
  return [...released, ended];
}
