import { describe, it } from 'vitest';
import { at, pool, START, sweep } from '../scenario.ts';
import { bids, CLOSE_MS, closes, given, opens } from './told.ts';

const forward = { kind: 'dutch', startPrice: 10, step: 2, stepMs: 100, reserve: 5 } as const;
const reverse = { ...forward, direction: 'reverse', reserve: 15 } as const;

describe('Dutch: the first bid takes it at the price of that moment', () => {
  it.each([
    ['forward', forward, 0, '10'],
    ['forward', forward, 99, '10'],
    ['forward', forward, 100, '8'],
    ['forward', forward, 200, '6'],
    ['forward', forward, 300, '5'],
    ['forward', forward, 999, '5'],
    ['reverse', reverse, 99, '10'],
    ['reverse', reverse, 100, '12'],
    ['reverse', reverse, 250, '14'],
    ['reverse', reverse, 300, '15'],
  ] as const)('%s, %o after %d ms: %s', (direction, terms, ms, price) => {
    const generous = direction === 'forward' ? 1_000 : 0;
    given(pool(), opens('ann', 'a', terms), at(ms))
      .when(bids('bob', 'a', generous))
      .thenEvents('auction.bid_placed a', 'auction.awarded a')
      .thenData({ auctionId: 'a', winner: 'bob', price })
      .thenAuction('a', { state: 'awarded', winner: 'bob', price, finishedAt: START + ms })
      .when(bids('cyd', 'a', generous))
      .thenRejected('auction_closed');
  });

  it('told are the winner, what it bid and what it pays: there is nobody else to rank', () => {
    given(pool(), opens('ann', 'a', forward), at(100))
      .when(bids('bob', 'a', 9))
      .thenPublished('auction.awarded', {
        winner: 'bob',
        price: '8',
        amount: '9',
        ranking: [{ bidder: 'bob', amount: '9' }],
        passedOver: [],
      });
  });

  it('a bid that does not reach the price is too low now, and may do later', () => {
    given(pool(), opens('ann', 'a', forward), at(99))
      .when(bids('bob', 'a', 8))
      .thenRejected('bid_too_low', { transient: true, message: /is 10 now/ })
      .when(at(100), bids('bob', 'a', 8))
      .thenData({ auctionId: 'a', winner: 'bob', price: '8' });
  });

  it('reverse: asking more than the price is too low now', () => {
    given(pool(), opens('ann', 'a', reverse))
      .when(bids('bob', 'a', 11))
      .thenRejected('bid_too_low', { transient: true });
  });

  it('below the reserve nobody gets it, however long it takes', () => {
    given(pool(), opens('ann', 'a', forward), at(CLOSE_MS - 1))
      .when(bids('bob', 'a', 4.99))
      .thenRejected('bid_too_low');
  });

  it('ends unsold at closesAt, or when its opener closes it', () => {
    given(pool(), opens('ann', 'a', forward), opens('ann', 'b', forward))
      .when(closes('ann', 'b'))
      .thenData({ auctionId: 'b', state: 'unsold', why: 'no_bids' })
      .when(at(CLOSE_MS), sweep())
      .thenEvents('auction.unsold a');
  });
});
