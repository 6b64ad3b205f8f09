import { defined } from '../../protocol/defined.ts';
import type { Delegation, LiveDelegation } from '../../protocol/delegations.ts';
import type { DelegationEvent, DelegationGrantedData } from './events.ts';

/**
 * Returns it after an event; undefined when it is removed. Throws if the event does not fit the state that it finds:
 * decide must not have let that happen.
 */
export function evolveDelegation(
  delegation: Delegation | undefined,
  event: DelegationEvent,
  pool: string,
  now: number,
): Delegation | undefined {
  switch (event.type) {
    case 'delegation.granted':
      if (delegation !== undefined) throw new Error(`delegation ${event.id} already exists`);
      return granted(event.id, event.data, pool, now);
    case 'delegation.revoked': {
      const { by, with: upstream } = event.data;
      const ended = { ...live(delegation, event), finishedAt: now, revokedBy: by };
      return { ...ended, state: 'revoked', ...defined({ revokedWith: upstream }) };
    }
    case 'delegation.expired':
      return { ...live(delegation, event), finishedAt: now, state: 'expired' };
    case 'delegation.removed':
      return undefined;
  }
}

function granted(
  id: string,
  { kind, expiresAt, ...data }: DelegationGrantedData,
  pool: string,
  now: number,
): LiveDelegation {
  return {
    ...data,
    kind: 'delegation',
    pool,
    id,
    state: 'live',
    delegationKind: kind,
    openedAt: now,
    ...(expiresAt === undefined ? {} : { expiresAt, dueAt: expiresAt }),
  };
}

function live(delegation: Delegation | undefined, event: DelegationEvent): LiveDelegation {
  if (delegation?.state === 'live') return delegation;
  throw new Error(`${event.type} of delegation ${event.id}, which is ${delegation?.state ?? 'unknown'}`);
}
