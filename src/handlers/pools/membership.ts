import type { Member } from '../../protocol/documents.ts';
import type { DomainEvent, MemberEvent } from '../events.ts';
import type { PoolState } from '../world/pool-state.ts';

/** The end of a membership: its claims go back to pending first, so that no claim is ever held by a stranger. */
export function endMembership(state: PoolState, member: Member, why: 'left' | 'absent'): DomainEvent[] {
  const released = state.heldBy(member.agent).map(
    (task): DomainEvent => ({
      type: 'task.released',
      id: task.taskId,
      data: { agent: task.claim.agent, epoch: task.claim.epoch, why },
    }),
  );
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
