import type { Member, Pool } from '../../protocol/documents.ts';
import type { MemberEvent, MembershipData, PoolEvent, PoolUpdatedData } from '../kernel/events.ts';

/** Returns the pool after an event; undefined when it is removed. */
export function evolvePool(pool: Pool | undefined, event: PoolEvent, now: number): Pool | undefined {
  switch (event.type) {
    case 'pool.created':
      return { pool: event.id, state: 'open', createdAt: now, ...event.data };
    case 'pool.closed':
      return pool && { ...pool, state: 'closed', closedAt: now };
    case 'pool.updated':
      return pool && updated(pool, event.data);
    case 'pool.paused':
      return pool && { ...pool, pausedAt: now };
    case 'pool.resumed':
      return pool && resumed(pool);
    case 'agent.banned':
      return pool && (event.data.everywhere === true ? pool : withBan(pool, event.id));
    case 'agent.unbanned':
      return pool && (event.data.everywhere === true ? pool : withoutBan(pool, event.id));
    case 'pool.removed':
      return undefined;
  }
}

/** Empty quotas are stored as none: a pool without its own quotas costs nothing to check. */
function updated(pool: Pool, changes: PoolUpdatedData): Pool {
  const {
    operators = pool.operators,
    quotas = pool.quotas,
    capacity = pool.capacity,
    maxClaimsPerAgent = pool.maxClaimsPerAgent,
    ...others
  } = changes;
  const {
    operators: _operators,
    quotas: _quotas,
    capacity: _capacity,
    maxClaimsPerAgent: _most,
    ...rest
  } = pool;
  return {
    ...rest,
    ...others,
    ...(capacity == null ? {} : { capacity }),
    ...(maxClaimsPerAgent == null ? {} : { maxClaimsPerAgent }),
    ...(operators === undefined || operators.length === 0 ? {} : { operators }),
    ...(quotas === undefined || Object.keys(quotas).length === 0 ? {} : { quotas }),
  };
}

function resumed({ pausedAt: _, ...pool }: Pool): Pool {
  return pool;
}

function withBan(pool: Pool, agent: string): Pool {
  return { ...pool, banned: [...(pool.banned ?? []), agent] };
}

function withoutBan({ banned = [], ...pool }: Pool, agent: string): Pool {
  const left = banned.filter((name) => name !== agent);
  return left.length === 0 ? pool : { ...pool, banned: left };
}

/** Returns the membership after an event; undefined when it has ended. */
export function evolveMember(
  member: Member | undefined,
  event: MemberEvent,
  pool: string,
  now: number,
  order: number,
): Member | undefined {
  switch (event.type) {
    case 'member.joined':
      return { pool, agent: event.id, joinedAt: now, order, ...membership(event.data, now) };
    case 'member.updated':
      return (
        member && {
          pool,
          agent: member.agent,
          joinedAt: member.joinedAt,
          order: member.order,
          ...membership(event.data, now),
        }
      );
    case 'member.left':
    case 'member.removed':
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
