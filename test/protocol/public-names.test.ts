/** Queries say what decisions say: one name for one thing. */
import { describe, expect, it } from 'vitest';
import { type OpenAuction, publicAuction } from '../../src/protocol/auctions.ts';
import { type LiveDelegation, publicDelegation } from '../../src/protocol/delegations.ts';
import type { EntityCommon } from '../../src/protocol/entity-common.ts';
import { type LiveNegotiation, publicNegotiation } from '../../src/protocol/negotiations.ts';
import { type OpenVote, publicVote } from '../../src/protocol/votes.ts';

const common: EntityCommon = {
  pool: 'work',
  id: 'x-1',
  order: 1,
  openedAt: 0,
  origin: { agent: 'ann', decisionId: 'd-1' },
};
const auction: OpenAuction = {
  ...common,
  kind: 'auction',
  state: 'open',
  auctionKind: 'english',
  direction: 'forward',
  opener: 'ann',
  closesAt: 9,
  bids: [],
  bidBytes: 0,
  bidCount: 0,
};
const vote: OpenVote = {
  ...common,
  kind: 'vote',
  state: 'open',
  opener: 'ann',
  question: '',
  options: ['yes', 'no'],
  method: 'plurality',
  electorate: 'list',
  eligible: { voters: 1, weight: 1 },
  abstentionsCountForQuorum: true,
  changeable: true,
  closeWhenDecided: true,
  closesAt: 9,
  voters: ['bob'],
  ballots: [null],
};
const session: LiveNegotiation = {
  ...common,
  kind: 'negotiation',
  state: 'proposed',
  opener: 'ann',
  participants: ['ann', 'bob'],
  proposals: [],
  bytes: 0,
};
const delegation: LiveDelegation = {
  ...common,
  kind: 'delegation',
  state: 'live',
  delegatorId: 'ann',
  delegationKind: 'direct',
  delegateeId: 'bob',
  scope: ['votes'],
};

describe('a document that a query returns has the names of the decision that made it', () => {
  it.each([
    ['OpenAuction', publicAuction(auction), { auctionId: 'x-1', kind: 'english' }],
    ['OpenVote', publicVote(vote), { voteId: 'x-1' }],
    ['OpenNegotiation', publicNegotiation(session), { sessionId: 'x-1' }],
    ['Delegate', publicDelegation(delegation), { delegationId: 'x-1', kind: 'direct' }],
  ])('%s', (_, shown, names) => {
    expect(shown).toMatchObject({ pool: 'work', order: 1, ...names });
    for (const internal of ['id', 'auctionKind', 'delegationKind', 'bidBytes', 'bytes'])
      expect(shown).not.toHaveProperty(internal);
  });
});
