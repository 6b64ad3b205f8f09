import { describe, expect, it } from 'vitest';
import type { NegotiationEvent } from '../../../src/handlers/negotiations/events.ts';
import { evolveNegotiation } from '../../../src/handlers/negotiations/evolve.ts';
import type { Negotiation } from '../../../src/protocol/negotiations.ts';

const opened: NegotiationEvent = {
  type: 'negotiation.opened',
  id: 's',
  data: {
    opener: 'ann',
    participants: ['ann', 'bob'],
    proposalId: 'p-1',
    proposal: 1,
    deadline: 1_000,
    order: 101,
    origin: { agent: 'ann', decisionId: 'd-1' },
  },
};
const countered: NegotiationEvent = {
  type: 'negotiation.countered',
  id: 's',
  data: { proposalId: 'p-2', proposer: 'bob', content: 2 },
};
const acceptedBy: NegotiationEvent = {
  type: 'negotiation.accepted_by',
  id: 's',
  data: { proposalId: 'p-1', participant: 'bob', missing: [] },
};
const accepted: NegotiationEvent = { type: 'negotiation.accepted', id: 's', data: { proposalId: 'p-1' } };
const rejected: NegotiationEvent = {
  type: 'negotiation.rejected',
  id: 's',
  data: { proposalId: 'p-1', by: 'bob' },
};
const expired: NegotiationEvent = {
  type: 'negotiation.expired',
  id: 's',
  data: { proposalId: 'p-1', missing: ['bob'] },
};
const removed: NegotiationEvent = { type: 'negotiation.removed', id: 's', data: {} };

function having(...events: readonly NegotiationEvent[]): Negotiation | undefined {
  let session: Negotiation | undefined;
  for (const [i, event] of events.entries()) session = evolveNegotiation(session, event, 'work', i * 10);
  return session;
}

describe('what does not fit the state of a session is a fault, and no event', () => {
  const words = [countered, acceptedBy, accepted, rejected, expired];

  it.each(words)('$type: of an unknown one', (event) => {
    expect(() => having(event)).toThrow(`${event.type} of session s, which is unknown`);
  });

  it.each(words)('$type: of one that is over', (event) => {
    expect(() => having(opened, accepted, event)).toThrow(`${event.type} of session s, which is accepted`);
    expect(() => having(opened, rejected, event)).toThrow(`${event.type} of session s, which is rejected`);
    expect(() => having(opened, expired, event)).toThrow(`${event.type} of session s, which is expired`);
  });
});

describe('a session', () => {
  it('falls due at its deadline, and not once it is over', () => {
    expect(having(opened)?.dueAt).toBe(1_000);
    for (const ending of [accepted, rejected, expired])
      expect(having(opened, ending)).toMatchObject({ finishedAt: 10 });
    for (const ending of [accepted, rejected, expired])
      expect(having(opened, ending)).not.toHaveProperty('dueAt');
  });

  it('keeps who rejected it, and why only if that was said', () => {
    expect(having(opened, rejected)).toMatchObject({ rejectedBy: 'bob' });
    expect(having(opened, rejected)).not.toHaveProperty('reason');
    const reasoned: NegotiationEvent = { ...rejected, data: { ...rejected.data, reason: 'no' } };
    expect(having(opened, reasoned)).toMatchObject({ reason: 'no' });
  });

  it('that is removed is no more', () => {
    expect(having(opened, expired, removed)).toBeUndefined();
  });
});

describe('a history', () => {
  it('keeps every offer with when it was made and who accepted it', () => {
    expect(having(opened, acceptedBy, countered)?.proposals).toEqual([
      { proposalId: 'p-1', proposer: 'ann', content: 1, proposedAt: 0, acceptedBy: ['ann', 'bob'] },
      { proposalId: 'p-2', proposer: 'bob', content: 2, proposedAt: 20, acceptedBy: ['bob'] },
    ]);
  });

  it('takes more room than it has as JSON, also when everyone has accepted every offer', () => {
    const session = having(opened, acceptedBy, countered, countered, countered);
    expect(session?.bytes).toBeGreaterThan(JSON.stringify(session?.proposals).length);
  });
});
