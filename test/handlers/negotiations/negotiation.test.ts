import { describe, expect, it } from 'vitest';
import type { DecisionInput } from '../../../src/protocol/decisions/index.ts';
import { MAX_OPEN_SESSIONS, MAX_PROPOSALS, MAX_SESSION_BYTES } from '../../../src/protocol/limits.ts';
import { endedPages } from '../ended-pages.ts';
import { given } from '../retold.ts';
import { at, by, joins, given as plainly, pool, START, sweep } from '../scenario.ts';
import { accepts, DEADLINE, opening, opens, proposes, rejects, THREE, TIMED } from './talking.ts';

const dayMs = 24 * 60 * 60_000;
const kept = (ms: number) => ({ ended: endedPages([['work', [{ id: 'negotiation/s-1', at: START + ms }]]]) });

describe('OpenNegotiation', () => {
  it('puts the first offer on the table, which its opener has accepted', () => {
    const scenario = given(pool(), at(3))
      .when(by('ann', { ...opening(TIMED), id: 'first' }))
      .thenEvents('negotiation.opened s-1')
      .thenEventData('negotiation.opened', {
        opener: 'ann',
        participants: ['ann', 'bob'],
        proposalId: 'p-1',
        proposal: { price: 10 },
        deadline: START + DEADLINE,
      })
      .thenData({ sessionId: 's-1', proposalId: 'p-1', state: 'proposed' });
    expect(scenario.session('s-1')).toEqual({
      kind: 'negotiation',
      pool: 'work',
      id: 's-1',
      state: 'proposed',
      order: expect.any(Number),
      openedAt: START + 3,
      origin: { agent: 'ann', decisionId: 'first' },
      deadline: START + DEADLINE,
      dueAt: START + DEADLINE,
      opener: 'ann',
      participants: ['ann', 'bob'],
      proposals: [
        {
          proposalId: 'p-1',
          proposer: 'ann',
          content: { price: 10 },
          proposedAt: START + 3,
          acceptedBy: ['ann'],
        },
      ],
      bytes: expect.any(Number),
    });
  });

  it.each([null, false, 0, '', [], {}, [[1], { a: null }]])(
    'takes %j for a proposal: any JSON',
    (proposal) => {
      const scenario = given(pool()).when(opens({ proposal })).thenEvents('negotiation.opened s-1');
      expect(scenario.session('s-1').proposals[0]?.content).toEqual(proposal);
    },
  );

  it('session_exists: also when that session is over', () => {
    given(pool(), opens()).when(opens()).thenRejected('session_exists', { transient: false });
    given(pool(), opens(), rejects('bob')).when(opens()).thenRejected('session_exists');
  });

  it('not_a_participant: whoever opens makes the first offer, and so takes part', () => {
    given(pool()).when(opens({}, 'cyd')).thenRejected('not_a_participant');
  });

  it('deadline_passed: a session that is over at this very moment', () => {
    given(pool(), at(10))
      .when(opens({ deadline: START + 10 }))
      .thenRejected('deadline_passed');
    given(pool(), at(10))
      .when(opens({ deadline: START + 11 }))
      .thenEvents('negotiation.opened s-1');
  });

  it('pool_not_found, pool_closed', () => {
    given().when(opens()).thenRejected('pool_not_found');
    given(pool(), by('owner', { type: 'ClosePool' }))
      .when(opens())
      .thenRejected('pool_closed');
  });

  it('not_a_member: only members open where only members submit; who is asked need not be one', () => {
    given(pool({ submitters: 'members' }))
      .when(opens())
      .thenRejected('not_a_member');
    given(pool({ submitters: 'members' }), joins('ann'), opens())
      .when(accepts('bob'))
      .thenEvents('negotiation.accepted_by s-1', 'negotiation.accepted s-1');
  });

  it('reserved_id: names that start with _ are the system’s', () => {
    given(pool())
      .when(opens({ sessionId: '_s' }))
      .thenRejected('reserved_id', { message: /sessionId/ });
  });

  it.each<[string, string[]]>([
    ['one alone', ['ann']],
    ['somebody twice', ['ann', 'bob', 'ann']],
    ['more than 64', ['ann', ...Array.from({ length: 64 }, (_, i) => `a${i}`)]],
    ['the system', ['ann', '_system']],
    ['what is no name', ['ann', 'b b']],
  ])('invalid_decision: %s', (_, participants) => {
    given(pool())
      .when(opens({ participants }))
      .thenRejected('invalid_decision', { message: /^participants/ });
  });

  it('invalid_decision: no proposal', () => {
    const body: DecisionInput = JSON.parse(JSON.stringify({ ...opening(), proposal: undefined }));
    given(pool())
      .when(by('ann', body))
      .thenRejected('invalid_decision', { message: /^proposal/ });
  });

  it(`rate_limited: ${MAX_OPEN_SESSIONS} open sessions in a pool, until one is over`, () => {
    const open = Array.from({ length: MAX_OPEN_SESSIONS - 1 }, (_, i) => opens({ sessionId: `s-${i + 2}` }));
    const scenario = plainly(pool(), opens(), ...open);
    scenario.when(opens({ sessionId: 'more' })).thenRejected('rate_limited', { transient: true });
    scenario.when(rejects('bob'), opens({ sessionId: 'more' })).thenEvents('negotiation.opened more');
  });
});

describe('Propose', () => {
  it('puts another offer in the place of the latest', () => {
    given(pool(), opens(), at(5))
      .when(proposes('bob', 'nine'))
      .thenEvents('negotiation.countered s-1')
      .thenEventData('negotiation.countered', { proposalId: 'p-2', proposer: 'bob', content: 'nine' })
      .thenData({ sessionId: 's-1', proposalId: 'p-2', state: 'countered' })
      .thenSession('s-1', {
        state: 'countered',
        proposals: [
          { proposalId: 'p-1' },
          {
            proposalId: 'p-2',
            proposer: 'bob',
            content: 'nine',
            proposedAt: START + 5,
            acceptedBy: ['bob'],
          },
        ],
      });
  });

  it('is open to every participant, also to the one whose offer lies on the table', () => {
    given(pool(), opens())
      .when(proposes('ann'))
      .thenEvents('negotiation.countered s-1')
      .when(accepts('bob', 'p-1'))
      .thenRejected('stale_proposal');
  });

  it('clears all other acceptances: they were of another offer', () => {
    given(pool(), opens(THREE), accepts('bob'), proposes('cyd'), accepts('ann', 'p-2'))
      .thenSession('s-1', {
        proposals: [{ acceptedBy: ['ann', 'bob'] }, { acceptedBy: ['cyd', 'ann'] }],
      })
      .when(accepts('bob', 'p-2'))
      .thenEvents('negotiation.accepted_by s-1', 'negotiation.accepted s-1');
  });

  it('not_a_participant, session_not_found', () => {
    given(pool(), opens()).when(proposes('cyd')).thenRejected('not_a_participant');
    given(pool()).when(proposes('ann')).thenRejected('session_not_found');
    given().when(proposes('ann')).thenRejected('pool_not_found');
  });

  it(`too_large: ${MAX_PROPOSALS} proposals are a full history; what is there can still be accepted`, () => {
    const many = Array.from({ length: MAX_PROPOSALS - 1 }, (_, i) =>
      proposes(i % 2 === 0 ? 'bob' : 'ann', i),
    );
    const scenario = plainly(pool(), opens(), ...many);
    scenario.when(proposes('ann')).thenRejected('too_large', { transient: false });
    scenario
      .when(accepts('ann', `p-${MAX_PROPOSALS}`))
      .thenEvents('negotiation.accepted_by s-1', 'negotiation.accepted s-1');
  });

  it(`too_large: a history of more than ${MAX_SESSION_BYTES} bytes; a small offer may still fit`, () => {
    const large = 'x'.repeat(200_000);
    const scenario = given(pool(), opens(), proposes('bob', large), proposes('ann', large));
    scenario.given(proposes('bob', large));
    scenario.when(proposes('ann', large)).thenRejected('too_large', { transient: false });
    scenario.when(proposes('ann', 'small')).thenEvents('negotiation.countered s-1');
  });

  it('a history with all its acceptances stays within what one answer can carry', () => {
    const participants = ['ann', ...Array.from({ length: 63 }, (_, i) => `${i}`.padEnd(64, 'x'))];
    const [, second = ''] = participants;
    const others = (proposer: string) => participants.filter((name) => name !== proposer).slice(0, -1);
    const scenario = plainly(pool(), opens({ participants }), ...others('ann').map((name) => accepts(name)));
    for (let n = 2; ; n++) {
      const proposer = n % 2 === 0 ? second : 'ann';
      scenario.when(proposes(proposer, { n, text: 'ü'.repeat(400) }));
      if (scenario.answer.status === 'rejected') break;
      scenario.given(...others(proposer).map((name) => accepts(name, `p-${n}`)));
    }
    scenario.thenRejected('too_large');
    const session = scenario.world.pool('work')?.entities.negotiation.get('s-1');
    const size = Buffer.byteLength(JSON.stringify(session));
    expect(size).toBeLessThan(MAX_SESSION_BYTES + 16_384);
    expect(size).toBeGreaterThan(MAX_SESSION_BYTES * 0.9);
  });
});

describe('AcceptProposal', () => {
  it('of the other of two agrees the session', () => {
    given(pool(), opens(), at(4))
      .when(accepts('bob'))
      .thenEvents('negotiation.accepted_by s-1', 'negotiation.accepted s-1')
      .thenEventData('negotiation.accepted_by', { proposalId: 'p-1', participant: 'bob', missing: [] })
      .thenEventData('negotiation.accepted', { proposalId: 'p-1' })
      .thenData({ sessionId: 's-1', proposalId: 'p-1', state: 'accepted', missing: [] })
      .thenSession('s-1', {
        state: 'accepted',
        finishedAt: START + 4,
        proposals: [{ acceptedBy: ['ann', 'bob'] }],
      });
  });

  it('of one of three waits for the third', () => {
    const scenario = given(pool(), opens(THREE))
      .when(accepts('cyd'))
      .thenEvents('negotiation.accepted_by s-1')
      .thenEventData('negotiation.accepted_by', { participant: 'cyd', missing: ['bob'] })
      .thenData({ sessionId: 's-1', proposalId: 'p-1', state: 'proposed', missing: ['bob'] });
    scenario.when(accepts('bob')).thenEvents('negotiation.accepted_by s-1', 'negotiation.accepted s-1');
  });

  it('twice is accepted, and changes nothing', () => {
    given(pool(), opens(THREE), accepts('bob'))
      .when(accepts('bob'))
      .thenEvents()
      .thenData({ sessionId: 's-1', proposalId: 'p-1', state: 'proposed', missing: ['cyd'] })
      .thenNothingChanged();
  });

  it('stale_proposal: of an offer that was replaced, so that nobody agrees to what they have not seen', () => {
    given(pool(), opens(THREE), proposes('bob'))
      .when(accepts('cyd', 'p-1'))
      .thenRejected('stale_proposal', {
        transient: false,
        message: /the latest proposal .* is p-2, by bob$/,
      });
  });

  it('stale_proposal: of one’s own offer after it was replaced', () => {
    given(pool(), opens(), proposes('bob')).when(accepts('ann', 'p-1')).thenRejected('stale_proposal');
  });

  it('own_proposal: the proposer has accepted by offering', () => {
    given(pool(), opens()).when(accepts('ann')).thenRejected('own_proposal');
    given(pool(), opens(), proposes('bob')).when(accepts('bob', 'p-2')).thenRejected('own_proposal');
  });

  it('proposal_not_found, session_not_found, not_a_participant', () => {
    given(pool(), opens()).when(accepts('bob', 'p-2')).thenRejected('proposal_not_found');
    given(pool()).when(accepts('bob')).thenRejected('session_not_found');
    given(pool(), opens()).when(accepts('cyd')).thenRejected('not_a_participant');
  });
});

describe('RejectProposal', () => {
  it('ends the session, with a reason', () => {
    given(pool(), opens(THREE), accepts('bob'), at(4))
      .when(rejects('cyd', 'too dear'))
      .thenEvents('negotiation.rejected s-1')
      .thenEventData('negotiation.rejected', { proposalId: 'p-1', by: 'cyd', reason: 'too dear' })
      .thenData({ sessionId: 's-1', proposalId: 'p-1', state: 'rejected' })
      .thenSession('s-1', {
        state: 'rejected',
        finishedAt: START + 4,
        rejectedBy: 'cyd',
        reason: 'too dear',
      });
  });

  it('without a reason too', () => {
    const scenario = given(pool(), opens()).when(rejects('bob')).thenEvents('negotiation.rejected s-1');
    expect(scenario.session('s-1')).not.toHaveProperty('reason');
  });

  it('own_proposal: whoever made the latest offer cannot reject it', () => {
    given(pool(), opens()).when(rejects('ann')).thenRejected('own_proposal');
    given(pool(), opens(), proposes('bob')).when(rejects('bob')).thenRejected('own_proposal');
    given(pool(), opens(), proposes('bob')).when(rejects('ann')).thenEvents('negotiation.rejected s-1');
  });

  it('one who has accepted the offer may still reject it, as long as it is not agreed', () => {
    given(pool(), opens(THREE), accepts('bob')).when(rejects('bob')).thenEvents('negotiation.rejected s-1');
  });

  it('session_not_found, not_a_participant', () => {
    given(pool()).when(rejects('bob')).thenRejected('session_not_found');
    given(pool(), opens()).when(rejects('cyd')).thenRejected('not_a_participant');
  });
});

describe('session_closed', () => {
  const words = { propose: proposes('bob'), accept: accepts('bob'), reject: rejects('bob') };
  const ends = {
    accepted: [opens(), accepts('bob')],
    rejected: [opens(), rejects('bob')],
    expired: [opens(TIMED), at(DEADLINE), sweep()],
  };
  for (const [state, steps] of Object.entries(ends)) {
    it.each(Object.entries(words))(`${state} is final: %s`, (_, word) => {
      given(pool(), ...steps)
        .thenSession('s-1', { state })
        .when(word)
        .thenRejected('session_closed', { transient: false })
        .thenSession('s-1', { state });
    });
  }

  it.each(Object.entries(words))('at the deadline, whether or not the sweep has run: %s', (_, word) => {
    given(pool(), opens(TIMED), at(DEADLINE)).when(word).thenRejected('session_closed');
  });

  it.each(Object.entries(words))('not a millisecond before it: %s', (_, word) => {
    const scenario = given(pool(), opens(TIMED), at(DEADLINE - 1)).when(word);
    expect(scenario.answer.status).toBe('accepted');
  });

  it('comes before who is asked: to a stranger too the session is closed', () => {
    given(pool(), opens(), rejects('bob')).when(accepts('cyd')).thenRejected('session_closed');
  });
});

describe('the sweep', () => {
  it('expires a session at its deadline and not before', () => {
    given(pool(), opens({ ...THREE, ...TIMED }), accepts('bob'), at(DEADLINE - 1))
      .when(sweep())
      .thenEvents()
      .when(at(DEADLINE), sweep())
      .thenEvents('negotiation.expired s-1')
      .thenEventData('negotiation.expired', { proposalId: 'p-1', missing: ['cyd'] })
      .thenSession('s-1', { state: 'expired', finishedAt: START + DEADLINE })
      .when(sweep())
      .thenEvents();
  });

  it('a counter-offer does not move the deadline', () => {
    given(pool(), opens(TIMED), at(DEADLINE - 1), proposes('bob'), at(DEADLINE))
      .when(sweep())
      .thenEvents('negotiation.expired s-1');
  });

  it('leaves alone what is agreed, and what has no deadline', () => {
    given(pool(), opens(TIMED), accepts('bob'), at(DEADLINE)).when(sweep()).thenEvents();
    given(pool(), opens(), at(100 * dayMs))
      .when(sweep())
      .thenEvents()
      .when(accepts('bob'))
      .thenEvents('negotiation.accepted_by s-1', 'negotiation.accepted s-1');
  });

  it('removes a session after its retention, and its name is free again', () => {
    given(pool(), opens(), rejects('bob'), at(2 * dayMs))
      .when(sweep({}, kept(0)))
      .thenEvents('negotiation.removed s-1')
      .thenSession('s-1', undefined)
      .when(opens())
      .thenEvents('negotiation.opened s-1');
  });
});

describe('the history', () => {
  it('keeps every offer, who made it, when, and who had accepted it', () => {
    const scenario = given(
      pool(),
      opens(THREE),
      at(1),
      accepts('bob'),
      at(2),
      proposes('cyd', { price: 8 }),
      at(3),
      proposes('bob', { price: 9 }),
      at(4),
      accepts('ann', 'p-3'),
      at(5),
      accepts('cyd', 'p-3'),
    );
    expect(scenario.session('s-1')).toMatchObject({ state: 'accepted', finishedAt: START + 5 });
    expect(scenario.session('s-1').proposals).toEqual([
      {
        proposalId: 'p-1',
        proposer: 'ann',
        content: { price: 10 },
        proposedAt: START,
        acceptedBy: ['ann', 'bob'],
      },
      {
        proposalId: 'p-2',
        proposer: 'cyd',
        content: { price: 8 },
        proposedAt: START + 2,
        acceptedBy: ['cyd'],
      },
      {
        proposalId: 'p-3',
        proposer: 'bob',
        content: { price: 9 },
        proposedAt: START + 3,
        acceptedBy: ['bob', 'ann', 'cyd'],
      },
    ]);
  });

  it('goes on in a pool that was closed, which stays as long as the session does', () => {
    given(pool(), opens(), by('owner', { type: 'ClosePool' }), at(2 * dayMs))
      .when(sweep())
      .thenEvents()
      .when(accepts('bob'))
      .thenEvents('negotiation.accepted_by s-1', 'negotiation.accepted s-1');
  });
});

describe('in a Batch', () => {
  const counter: DecisionInput = { type: 'Propose', sessionId: 's-1', content: 1 };
  const accept: DecisionInput = { type: 'AcceptProposal', sessionId: 's-1', proposalId: 'p-1' };

  it('that is atomic one rejection takes back the offers before it', () => {
    given(pool(), opens())
      .when(by('bob', { type: 'Batch', atomic: true, decisions: [counter, accept] }))
      .thenRejected('stale_proposal', { message: /^decisions\[1\]/ })
      .thenSession('s-1', { state: 'proposed', proposals: [{ proposalId: 'p-1' }] })
      .when(accepts('bob'))
      .thenEvents('negotiation.accepted_by s-1', 'negotiation.accepted s-1');
  });

  it('that is atomic one rejection takes back an agreement and an opening', () => {
    given(pool(), opens())
      .when(by('bob', { type: 'Batch', atomic: true, decisions: [accept, counter] }))
      .thenRejected('session_closed')
      .thenSession('s-1', { state: 'proposed', proposals: [{ acceptedBy: ['ann'] }] });
    given(pool())
      .when(by('ann', { type: 'Batch', atomic: true, decisions: [opening(), accept] }))
      .thenRejected('own_proposal')
      .thenSession('s-1', undefined);
  });
});

describe('on behalf of a participant', () => {
  it('the word is the principal’s', () => {
    given(
      pool(),
      opens(THREE),
      by('bob', { type: 'Delegate', id: 'del-1', delegateeId: 'dan', scope: ['negotiations:s-1'] }),
    )
      .when(by('dan', { type: 'AcceptProposal', sessionId: 's-1', proposalId: 'p-1', onBehalfOf: 'bob' }))
      .thenEventData('negotiation.accepted_by', { participant: 'bob', missing: ['cyd'] })
      .when(accepts('dan'))
      .thenRejected('not_a_participant');
  });
});
