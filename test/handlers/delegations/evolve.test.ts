import { describe, expect, it } from 'vitest';
import type { DelegationEvent } from '../../../src/handlers/delegations/events.ts';
import { evolveDelegation } from '../../../src/handlers/delegations/evolve.ts';
import type { Delegation } from '../../../src/protocol/delegations.ts';

const between = { delegatorId: 'ann', delegateeId: 'bob' };
const granted: DelegationEvent = {
  type: 'delegation.granted',
  id: 'd',
  data: {
    ...between,
    kind: 'direct',
    scope: ['tasks'],
    expiresAt: 1_000,
    order: 101,
    origin: { agent: 'ann', decisionId: 'd' },
  },
};
const revoked: DelegationEvent = { type: 'delegation.revoked', id: 'd', data: { ...between, by: 'ann' } };
const expired: DelegationEvent = {
  type: 'delegation.expired',
  id: 'd',
  data: { ...between, cause: 'expired' },
};
const removed: DelegationEvent = { type: 'delegation.removed', id: 'd', data: {} };

function having(...events: readonly DelegationEvent[]): Delegation | undefined {
  let delegation: Delegation | undefined;
  for (const [i, event] of events.entries()) delegation = evolveDelegation(delegation, event, 'work', i * 10);
  return delegation;
}

describe('what does not fit the state of a delegation is a fault, and no event', () => {
  it('granted twice', () => {
    expect(() => having(granted, granted)).toThrow('delegation d already exists');
  });

  it.each([revoked, expired])('$type: of an unknown one', (event) => {
    expect(() => having(event)).toThrow(`${event.type} of delegation d, which is unknown`);
  });

  it.each([revoked, expired])('$type: of one that has ended', (event) => {
    expect(() => having(granted, revoked, event)).toThrow(`${event.type} of delegation d, which is revoked`);
    expect(() => having(granted, expired, event)).toThrow(`${event.type} of delegation d, which is expired`);
  });
});

describe('a delegation', () => {
  it('falls due when it expires; one that never does, never', () => {
    expect(having(granted)).toMatchObject({ expiresAt: 1_000, dueAt: 1_000 });
    const { expiresAt: _, ...data } = granted.data;
    const forever = having({ ...granted, data });
    expect(forever).not.toHaveProperty('dueAt');
    expect(forever).not.toHaveProperty('expiresAt');
  });

  it('says who revoked it, and with which one further up if it was one', () => {
    expect(having(granted, revoked)).toMatchObject({ state: 'revoked', revokedBy: 'ann', finishedAt: 10 });
    expect(having(granted, revoked)).not.toHaveProperty('revokedWith');
    const along: DelegationEvent = { ...revoked, data: { ...revoked.data, with: 'c' } };
    expect(having(granted, along)).toMatchObject({ revokedWith: 'c' });
  });

  it('that is removed is no more', () => {
    expect(having(granted, expired, removed)).toBeUndefined();
  });
});
