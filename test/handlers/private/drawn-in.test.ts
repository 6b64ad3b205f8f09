/** Rule 5.3: into a private pool nobody is drawn who is no member: participants, electorate, delegates, bidders. */
import { describe, expect, it } from 'vitest';
import type { DecisionInput } from '../../../src/protocol/decisions/index.ts';
import { at, by, given, joins, pool, type Scenario, START } from '../scenario.ts';

const LATER = START + 60_000;
const admission = { kind: 'allowlist' as const, agents: ['ann', 'bob', 'cyd'] };
const joined = (...agents: readonly string[]) => agents.map((agent) => joins(agent));

const DRAWING: readonly DecisionInput[] = [
  { type: 'OpenNegotiation', sessionId: 's', participants: ['ann', 'cyd'], proposal: 1 },
  {
    type: 'OpenVote',
    voteId: 'v',
    question: '',
    options: ['x', 'y'],
    method: 'plurality',
    electorate: ['ann', 'cyd'],
    closesAt: LATER,
  },
  { type: 'Delegate', delegateeId: 'cyd', scope: ['tasks'] },
];

describe.each(DRAWING.map((decision) => [decision.type, decision] as const))('%s', (_, decision) => {
  it('in a private pool is for members: not_a_member', () => {
    given(pool({ admission }), ...joined('ann', 'bob'))
      .when(by('ann', decision))
      .thenRejected('not_a_member');
  });

  it('is for those that are present: presence that has lapsed is no membership', () => {
    const absent = by('cyd', { type: 'JoinPool', presenceMs: 100 });
    given(pool({ admission }), ...joined('ann', 'bob'), absent)
      .when(at(100), by('ann', decision))
      .thenRejected('not_a_member');
  });

  it('is accepted of members, and in an open pool of anybody', () => {
    const accepted = (scenario: Scenario) =>
      expect(scenario.when(by('ann', decision)).answer).toMatchObject({ status: 'accepted' });
    accepted(given(pool({ admission }), ...joined('ann', 'bob', 'cyd')));
    accepted(given(pool(), ...joined('ann')));
  });
});

describe('an auction in a private pool', () => {
  const auction = {
    type: 'OpenAuction',
    auctionId: 'a',
    kind: 'first_price_sealed',
    closesAt: START + 500,
  } as const;
  const bids = (agent: string, amount: number) => by(agent, { type: 'SubmitBid', auctionId: 'a', amount });
  const opened = () => given(pool({ admission }), ...joined('ann', 'bob', 'cyd'), by('ann', auction));

  it('takes bids of members alone, not of its owner who is none', () => {
    opened()
      .when(bids('owner', 5))
      .thenRejected('not_a_member')
      .when(bids('bob', 5))
      .thenEvents('auction.bid_placed a');
  });

  it('goes to the best of those who are still members when it closes', () => {
    opened()
      .given(bids('bob', 5), bids('cyd', 3), by('bob', { type: 'LeavePool' }))
      .when(by('ann', { type: 'CloseAuction', auctionId: 'a' }))
      .thenEventData('auction.awarded', { winner: 'cyd', passedOver: ['bob'] });
  });
});
