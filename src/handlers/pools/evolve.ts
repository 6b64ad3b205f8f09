import type { Member, Pool } from '../../protocol/documents.ts';
import type { MemberEvent, MembershipData, PoolEvent } from '../events.ts';

/** What a pool is after an event; undefined when it is no more. */
export function evolvePool(pool: Pool | undefined, event: PoolEvent, now: number): Pool | undefined {
  switch (event.type) {
    case 'pool.created':
      return { pool: event.id, state: 'open', createdAt: now, ...event.data };
    case 'pool.closed':
      return pool && { ...pool, state: 'closed', closedAt: now };
    case 'pool.removed':
      return undefined;
  }
}

/** What a membership is after an event; undefined when it is over. */
export function evolveMember(
  member: Member | undefined,
  event: MemberEvent,
  pool: string,
  now: number,
): Member | undefined {
  switch (event.type) {
    case 'member.joined':
      return { pool, agent: event.id, joinedAt: now, ...membership(event.data, now) };
    case 'member.updated':
      return (
        member && { pool, agent: member.agent, joinedAt: member.joinedAt, ...membership(event.data, now) }
      );
    case 'member.left':
    case 'member.expired':
      return undefined;
  }
}

function membership(
  { capabilities, presenceMs }: MembershipData,
  now: number,
): Pick<Member, 'capabilities' | 'presenceMs' | 'lastSeenAt'> {
  return presenceMs === undefined ? { capabilities } : { capabilities, presenceMs, lastSeenAt: now };
}
