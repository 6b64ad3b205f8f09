import { describe, expect, it } from 'vitest';
import { lapseNegotiation } from '../../../src/handlers/negotiations/due.ts';
import { roomFor } from '../../../src/handlers/negotiations/proposals.ts';
import { MAX_PROPOSALS, MAX_SESSION_BYTES } from '../../../src/protocol/limits.ts';
import { given } from '../retold.ts';
import { by, given as plainly, pool, START } from '../scenario.ts';
import { accepts, DEADLINE, opening, opens, proposes, TIMED } from './talking.ts';

describe('a history', () => {
  /** As after so many offers, which take so many bytes. */
  const holding = (offers: number, bytes: number) => {
    const scenario = plainly(pool(), opens());
    const state = scenario.world.pool('work');
    const session = state?.entities.negotiation.get('s-1');
    const [offer] = session?.proposals ?? [];
    if (state === undefined || session === undefined || offer === undefined) throw new Error('no session');
    const proposals = Array.from({ length: offers }, (_, i) => ({ ...offer, proposalId: `p-${i + 1}` }));
    scenario.world.loadEntity(state, { ...session, proposals, bytes });
    return scenario;
  };
  const room = roomFor(['ann', 'bob'], 'small');

  it('is full with so many offers', () => {
    holding(MAX_PROPOSALS - 1, 9)
      .when(proposes('bob', 'small'))
      .thenEvents('negotiation.countered s-1');
    holding(MAX_PROPOSALS, 9)
      .when(proposes('bob', 'small'))
      .thenRejected('too_large', { message: /has 1000 proposals/ });
  });

  it('is full with so many bytes', () => {
    holding(1, MAX_SESSION_BYTES - room)
      .when(proposes('bob', 'small'))
      .thenEvents('negotiation.countered s-1');
    holding(1, MAX_SESSION_BYTES - room + 1)
      .when(proposes('bob', 'small'))
      .thenRejected('too_large', { message: new RegExp(`would grow to ${MAX_SESSION_BYTES + 1} bytes`) });
  });

  it('has room from the beginning for everyone to accept every offer', () => {
    const participants = Array.from({ length: 64 }, (_, i) => `${i}`.padEnd(64, 'x'));
    const accepted = { proposalId: 'p-1000', proposer: participants[0], content: 'ü', proposedAt: START };
    const size = Buffer.byteLength(JSON.stringify({ ...accepted, acceptedBy: participants }));
    expect(roomFor(participants, 'ü')).toBeGreaterThan(size);
  });
});

describe('what time does to a session', () => {
  const lapsed = (scenario: ReturnType<typeof given>, ms: number) => {
    const state = scenario.world.pool('work');
    if (state === undefined) throw new Error('there is no pool');
    return lapseNegotiation(state, scenario.session('s-1'), START + ms).map(({ data }) => data);
  };

  it('nothing before its deadline, and from then on it says who had not accepted', () => {
    const session = given(pool(), opens(TIMED));
    expect(lapsed(session, DEADLINE - 1)).toEqual([]);
    expect(lapsed(session, DEADLINE)).toEqual([{ proposalId: 'p-1', missing: ['bob'] }]);
  });

  it('nothing without a deadline', () => {
    expect(lapsed(given(pool(), opens()), 1e12)).toEqual([]);
  });

  it('nothing once it is over', () => {
    expect(lapsed(given(pool(), opens(TIMED), accepts('bob')), DEADLINE)).toEqual([]);
  });
});

describe('open sessions', () => {
  it('are no more than the quotas of the pool allow, in number and in bytes', () => {
    given(pool({ quotas: { agentSessions: 1 } }), opens())
      .when(opens({ sessionId: 's-2' }))
      .thenRejected('rate_limited', { transient: true })
      .when(opens({ sessionId: 's-2' }, 'bob'))
      .thenEvents('negotiation.opened s-2');
    given(pool({ quotas: { agentBytes: 2_400 } }), opens({ proposal: 'x'.repeat(700) }))
      .when(opens({ sessionId: 's-2', proposal: 'x'.repeat(700) }))
      .thenRejected('rate_limited', { transient: true })
      .when(opens({ sessionId: 's-2' }))
      .thenEvents('negotiation.opened s-2');
  });

  it('have the order of the log: the last of a full Batch comes before the next decision', () => {
    const ids = Array.from({ length: 100 }, (_, i) => `s-${i}`);
    const scenario = plainly(
      pool(),
      by('ann', { type: 'Batch', decisions: ids.map((sessionId) => opening({ sessionId }) as never) }),
      opens({ sessionId: 'next' }),
    );
    const kept = scenario.world.pool('work')?.entities.negotiation;
    const orders = [...ids, 'next'].map((id) => kept?.get(id)?.order ?? 0);
    expect(orders).toEqual([...new Set(orders)].sort((a, b) => a - b));
  });
});
