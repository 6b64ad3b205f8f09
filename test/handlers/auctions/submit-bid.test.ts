import { describe, expect, it } from 'vitest';
import { at, by, given as givenWorld, pool, START } from '../scenario.ts';
import { bids, CLOSE_MS, cancels, closes, given, opens } from './told.ts';

const KINDS = [
  ['first_price_sealed', {}],
  ['second_price_sealed', {}],
  ['english', {}],
  ['dutch', { startPrice: 5, step: 0, stepMs: 1 }],
] as const;

describe.each(KINDS)('SubmitBid in an auction of kind %s', (kind, fields) => {
  const open = given(pool(), opens('ann', 'a', { kind, ...fields }));

  it('auction_not_found', () => {
    open.when(bids('bob', 'b', 5)).thenRejected('auction_not_found', { transient: false });
  });

  it('not_allowed: the opener cannot bid', () => {
    open.when(bids('ann', 'a', 5)).thenRejected('not_allowed');
  });

  it.each([
    -1,
    1.1234567,
    0.1 + 0.2,
    1_000_000_000_000_001,
    '1000000000000000.000001',
    '',
    ' 1',
    '01',
    '1.',
    '.5',
    '+1',
    '1e3',
    'NaN',
    'five',
    true,
    false,
    null,
  ])('invalid_amount: %j', (amount) => {
    open
      .when(bids('bob', 'a', amount))
      .thenRejected('invalid_amount', { transient: false, message: /^amount: / });
  });

  it.each([undefined, {}, [5], { amount: 5 }])('invalid_decision: %j is not even one value', (amount) => {
    open.when(bids('bob', 'a', amount)).thenRejected('invalid_decision', { message: /^amount: / });
  });

  it('too_large: content that every later bid would write again', () => {
    open.when(bids('bob', 'a', 5, 'x'.repeat(4_095))).thenRejected('too_large', { message: /content/ });
    given(pool(), opens('ann', 'a', { kind, ...fields }))
      .when(bids('bob', 'a', 5, 'x'.repeat(4_096 - '""'.length)))
      .thenData(expect.objectContaining({ auctionId: 'a' }));
  });

  it('pool_not_found', () => {
    given()
      .when(bids('bob', 'a', 5))
      .thenRejected('pool_not_found');
  });

  it('auction_closed: at closesAt, by log time, whether or not the sweep has run', () => {
    given(pool(), opens('ann', 'a', { kind, ...fields }))
      .given(opens('ann', 'b', { kind, ...fields }))
      .when(at(CLOSE_MS - 1), bids('bob', 'a', 5))
      .thenData(expect.objectContaining({ auctionId: 'a' }))
      .when(at(CLOSE_MS), bids('bob', 'b', 5))
      .thenRejected('auction_closed', { transient: false })
      .thenAuction('b', { state: 'open' });
  });

  it('auction_closed: late by one millisecond', () => {
    given(pool(), opens('ann', 'a', { kind, ...fields }))
      .when(at(CLOSE_MS + 1), bids('bob', 'a', 5))
      .thenRejected('auction_closed');
  });

  it('auction_closed: closed or cancelled by its opener', () => {
    given(pool(), opens('ann', 'a', { kind, ...fields }), closes('ann', 'a'))
      .when(bids('bob', 'a', 5))
      .thenRejected('auction_closed')
      .given(opens('ann', 'b', { kind, ...fields }), cancels('ann', 'b'))
      .when(bids('bob', 'b', 5))
      .thenRejected('auction_closed');
  });

  it('pool_closed', () => {
    given(pool(), opens('ann', 'a', { kind, ...fields }), by('owner', { type: 'ClosePool' }))
      .when(bids('bob', 'a', 5))
      .thenRejected('pool_closed');
  });

  it('needs no membership; the bid is kept with its content and time', () => {
    given(pool(), opens('ann', 'a', { kind, ...fields }), at(7))
      .when(bids('bob', 'a', '5.0', 'as agreed'))
      .thenAuction('a', {
        bids: [{ bidder: 'bob', amount: '5', at: START + 7, content: 'as agreed' }],
        bidCount: 1,
      });
  });
});

describe.each(['first_price_sealed', 'english'] as const)(
  'what an auction of kind %s holds is bounded, to the last bid',
  (kind) => {
    /** As after so many bids of others, which take so many bytes. */
    const holding = (bidders: number, bidBytes: number) => {
      const scenario = givenWorld(pool(), by('ann', { ...opening('a'), kind }));
      const state = scenario.world.pool('work');
      const auction = state?.entities.auction.get('a');
      if (state === undefined || auction === undefined) throw new Error('there is no auction');
      const others = Array.from({ length: bidders }, (_, i) => ({
        bidder: `b-${i}`,
        amount: '1',
        at: START,
      }));
      scenario.world.loadEntity(state, { ...auction, bids: others, bidBytes, bidCount: bidders });
      return scenario;
    };
    const ofBob = Buffer.byteLength(JSON.stringify({ bidder: 'bob', amount: '5', at: START })) + 1;

    it('by the number of bidders: who has bid can bid again', () => {
      holding(9_999, 9)
        .when(bids('bob', 'a', 5))
        .thenEvents('auction.bid_placed a');
      holding(10_000, 9)
        .when(bids('bob', 'a', 5))
        .thenRejected('rate_limited', { transient: true });
      holding(10_000, 9)
        .when(bids('b-7', 'a', 5))
        .thenEvents('auction.bid_placed a');
    });

    it('by their bytes', () => {
      holding(1, 640 * 1_024 - ofBob)
        .when(bids('bob', 'a', 5))
        .thenEvents('auction.bid_placed a');
      holding(1, 640 * 1_024 - ofBob + 1)
        .when(bids('bob', 'a', 5))
        .thenRejected('rate_limited', { transient: true });
    });
  },
);

describe('what an auction holds is bounded', () => {
  it('rate_limited: one bidder too many; those who have bid can bid again', () => {
    const scenario = givenWorld(pool(), by('ann', opening('a')));
    for (let i = 0; i < 10_000; i++) scenario.given(bids(`bidder-${i}`, 'a', i));
    scenario.when(bids('late', 'a', 1)).thenRejected('rate_limited', { transient: true });
    scenario.when(bids('bidder-7', 'a', 99_999)).thenEvents('auction.bid_placed a');
    const auction = scenario.world.pool('work')?.entities.auction.get('a');
    expect(auction?.bids).toHaveLength(10_000);
    expect(JSON.stringify(auction).length).toBeLessThan(700_000);
    scenario.when(by('ann', { type: 'CloseAuction', auctionId: 'a' }));
    scenario.thenData({ auctionId: 'a', state: 'awarded', winner: 'bidder-7', price: '99999' });
  });

  it('rate_limited: more bytes than one answer to a query can carry', () => {
    const scenario = givenWorld(pool(), by('ann', opening('a')));
    const content = 'é'.repeat(2_000);
    const fit = Math.floor((640 * 1024) / (4_000 + 70));
    for (let i = 0; i < fit; i++) scenario.given(bids(`b-${i}`, 'a', i, content));
    scenario.when(bids('more', 'a', 1, content)).thenRejected('rate_limited');
    scenario.when(bids('b-0', 'a', 1)).thenEvents('auction.bid_placed a');
    scenario.when(bids('more', 'a', 1, 'x'.repeat(1_000))).thenEvents('auction.bid_placed a');
  });

  it('what is counted is what the bids take, however often they are replaced', () => {
    const scenario = given(pool(), opens('ann', 'a'));
    for (const [bidder, content] of [
      ['bob', 'äöü'],
      ['cyd', undefined],
      ['bob', undefined],
      ['cyd', 'x'],
    ] as const)
      scenario.given(bids(bidder, 'a', 1, content));
    const { bids: kept = [], bidBytes } = scenario.auction('a') ?? {};
    expect(bidBytes).toBe(kept.reduce((sum, bid) => sum + Buffer.byteLength(JSON.stringify(bid)) + 1, 0));
  });
});

function opening(auctionId: string) {
  return {
    type: 'OpenAuction',
    auctionId,
    kind: 'first_price_sealed',
    closesAt: START + CLOSE_MS,
  } as const;
}
