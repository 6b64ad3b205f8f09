import { describe, expect, it } from 'vitest';
import { EBAY_INCREMENTS } from '../../rules/ebay.ts';
import { at, pool, START, sweep } from '../scenario.ts';
import { bids, CLOSE_MS, closes, given, opens } from './told.ts';

const kind = 'english';

describe('English: each bid must beat the standing price by the increment', () => {
  it('the first bid must reach startPrice', () => {
    given(pool(), opens('ann', 'a', { kind, startPrice: 10, increment: 2 }))
      .when(bids('bob', 'a', 9.999999))
      .thenRejected('bid_too_low', { transient: false, message: /at least 10/ })
      .when(bids('bob', 'a', 10))
      .thenEvents('auction.bid_placed a')
      .thenData({ auctionId: 'a', leader: 'bob', price: '10', closesAt: START + CLOSE_MS });
  });

  it('forward', () => {
    given(pool(), opens('ann', 'a', { kind, increment: 2 }), bids('bob', 'a', 10))
      .when(bids('cyd', 'a', '11.999999'))
      .thenRejected('bid_too_low', { message: /at least 12/ })
      .when(bids('cyd', 'a', 12))
      .thenData({ auctionId: 'a', leader: 'cyd', price: '12', closesAt: START + CLOSE_MS })
      .when(closes('ann', 'a'))
      .thenData({ auctionId: 'a', state: 'awarded', winner: 'cyd', price: '12' });
  });

  it('reverse', () => {
    given(pool(), opens('ann', 'a', { kind, direction: 'reverse', increment: 2, startPrice: 20 }))
      .when(bids('bob', 'a', 21))
      .thenRejected('bid_too_low', { message: /at most 20/ })
      .given(bids('bob', 'a', 10))
      .when(bids('cyd', 'a', 8.5))
      .thenRejected('bid_too_low', { message: /at most 8/ })
      .given(bids('cyd', 'a', 8))
      .when(closes('ann', 'a'))
      .thenData({ auctionId: 'a', state: 'awarded', winner: 'cyd', price: '8' });
  });

  it('reverse: when the price cannot fall any further nobody can bid', () => {
    given(pool(), opens('ann', 'a', { kind, direction: 'reverse', increment: 2 }), bids('bob', 'a', 1))
      .when(bids('cyd', 'a', 0))
      .thenRejected('bid_too_low', { message: /no lower bid is possible/ });
  });

  it('without an increment any strictly better bid will do; an equal one will not', () => {
    given(pool(), opens('ann', 'a', { kind }), bids('bob', 'a', 10))
      .when(bids('cyd', 'a', 10))
      .thenRejected('bid_too_low')
      .when(bids('cyd', 'a', 10.000001))
      .thenEvents('auction.bid_placed a');
  });

  it('by a table: the first row whose below is above the standing price', () => {
    given(pool(), opens('ann', 'a', { kind, increment: EBAY_INCREMENTS }), bids('bob', 'a', 0.99))
      .when(bids('cyd', 'a', 1.03))
      .thenRejected('bid_too_low', { message: /at least 1\.04$/ })
      .given(bids('cyd', 'a', 1.04))
      .when(bids('bob', 'a', 1.28))
      .thenRejected('bid_too_low', { message: /at least 1\.29$/ })
      .given(bids('bob', 'a', 4_999))
      .when(bids('cyd', 'a', 5_048.99))
      .thenRejected('bid_too_low', { message: /at least 5049$/ });
  });

  it('too low is told the leader in the words that everyone is told', () => {
    given(pool(), opens('ann', 'a', { kind, increment: 1 }), bids('bob', 'a', 5))
      .when(bids('bob', 'a', 5))
      .thenRejected('bid_too_low', { message: /at least 6$/ });
  });

  it('the leader may raise its own bid', () => {
    given(pool(), opens('ann', 'a', { kind, increment: 1 }), bids('bob', 'a', 1))
      .when(bids('bob', 'a', 5))
      .thenData({ auctionId: 'a', leader: 'bob', price: '5', closesAt: START + CLOSE_MS });
  });

  it('no bid that meets the hidden reserve: no sale', () => {
    given(pool(), opens('ann', 'a', { kind, reserve: 10 }), bids('bob', 'a', 9.99))
      .when(closes('ann', 'a'))
      .thenData({ auctionId: 'a', state: 'unsold', why: 'reserve_not_met' });
  });

  it('no bids: no sale', () => {
    given(pool(), opens('ann', 'a', { kind }), at(CLOSE_MS))
      .when(sweep())
      .thenEventData('auction.unsold', { why: 'no_bids' });
  });

  it('keeps of each bidder the last bid, and counts all', () => {
    const scenario = given(pool(), opens('ann', 'a', { kind }));
    for (let i = 1; i <= 50; i++) scenario.given(bids(i % 2 === 0 ? 'bob' : 'cyd', 'a', i));
    scenario.thenAuction('a', {
      bidCount: 50,
      bids: [
        { bidder: 'cyd', amount: '49' },
        { bidder: 'bob', amount: '50' },
      ],
    });
  });
});

describe('English with proxies: the amount is a secret maximum', () => {
  const terms = { kind, proxy: true, startPrice: 10, increment: 2 } as const;

  it('alone, one holds it at the opening price', () => {
    given(pool(), opens('ann', 'a', terms))
      .when(bids('bob', 'a', 50))
      .thenData({ auctionId: 'a', leader: 'bob', price: '10', closesAt: START + CLOSE_MS })
      .when(closes('ann', 'a'))
      .thenData({ auctionId: 'a', state: 'awarded', winner: 'bob', price: '10' });
  });

  it('the first maximum must reach startPrice', () => {
    given(pool(), opens('ann', 'a', terms))
      .when(bids('bob', 'a', 9))
      .thenRejected('bid_too_low', { message: /at least 10$/ });
  });

  it('the price is min(highest maximum, second maximum + increment at the second)', () => {
    given(pool(), opens('ann', 'a', terms), bids('bob', 'a', 50))
      .when(bids('cyd', 'a', 30))
      .thenData({ auctionId: 'a', leader: 'bob', price: '32', closesAt: START + CLOSE_MS })
      .when(bids('cyd', 'a', 49))
      .thenData({ auctionId: 'a', leader: 'bob', price: '50', closesAt: START + CLOSE_MS })
      .when(bids('dot', 'a', 60))
      .thenData({ auctionId: 'a', leader: 'dot', price: '52', closesAt: START + CLOSE_MS })
      .when(closes('ann', 'a'))
      .thenData({ auctionId: 'a', state: 'awarded', winner: 'dot', price: '52' });
  });

  it('reverse: the amount is the secret minimum', () => {
    const reverse = { ...terms, direction: 'reverse', startPrice: 100 } as const;
    given(pool(), opens('ann', 'a', reverse), bids('bob', 'a', 50))
      .when(bids('cyd', 'a', 70))
      .thenData({ auctionId: 'a', leader: 'bob', price: '68', closesAt: START + CLOSE_MS })
      .when(bids('cyd', 'a', 40))
      .thenData({ auctionId: 'a', leader: 'cyd', price: '48', closesAt: START + CLOSE_MS })
      .when(closes('ann', 'a'))
      .thenData({ auctionId: 'a', state: 'awarded', winner: 'cyd', price: '48' });
  });

  it('equal maxima: the earlier leads, and pays it', () => {
    given(pool(), opens('ann', 'a', terms), bids('bob', 'a', 50), bids('cyd', 'a', 50))
      .when(closes('ann', 'a'))
      .thenData({ auctionId: 'a', state: 'awarded', winner: 'bob', price: '50' });
  });

  it('a leader has to beat its own maximum; the message does not say what it was', () => {
    given(pool(), opens('ann', 'a', terms), bids('bob', 'a', 50.5), bids('cyd', 'a', 20))
      .when(bids('bob', 'a', 50.5))
      .thenRejected('bid_too_low', { message: /^[^\d]*$/ })
      .when(bids('bob', 'a', 23))
      .thenRejected('bid_too_low', { message: /^[^\d]*$/ })
      .when(bids('bob', 'a', 60))
      .thenData({ auctionId: 'a', leader: 'bob', price: '22', closesAt: START + CLOSE_MS });
  });

  it('too low: told is the least that the standing price asks for, and no maximum', () => {
    given(pool(), opens('ann', 'a', terms), bids('bob', 'a', 77.77), bids('cyd', 'a', 20))
      .when(bids('dot', 'a', 23))
      .thenRejected('bid_too_low', { message: /at least 24$/ });
  });

  it('where the maximum meets the hidden reserve and the price does not, the winner pays the reserve', () => {
    given(pool(), opens('ann', 'a', { ...terms, reserve: 40 }), bids('bob', 'a', 50), bids('cyd', 'a', 20))
      .when(closes('ann', 'a'))
      .thenData({ auctionId: 'a', state: 'awarded', winner: 'bob', price: '40' });
  });
});

describe('soft close', () => {
  const terms = { kind, softCloseMs: 100 } as const;

  it('a bid within softCloseMs of the close moves the close to bid time + softCloseMs, again and again', () => {
    const scenario = given(pool(), opens('ann', 'a', terms))
      .when(at(CLOSE_MS - 100), bids('bob', 'a', 1))
      .thenEvents('auction.bid_placed a')
      .when(at(CLOSE_MS - 99), bids('cyd', 'a', 2))
      .thenEvents('auction.bid_placed a', 'auction.extended a')
      .thenPublished('auction.extended', { closesAt: START + CLOSE_MS + 1 })
      .thenAuction('a', { closesAt: START + CLOSE_MS + 1, dueAt: START + CLOSE_MS + 1 })
      .when(at(CLOSE_MS), bids('bob', 'a', 3))
      .thenData({ auctionId: 'a', leader: 'bob', price: '3', closesAt: START + CLOSE_MS + 100 })
      .when(at(CLOSE_MS + 1), sweep())
      .thenEvents()
      .when(at(CLOSE_MS + 99), bids('cyd', 'a', 4))
      .thenEvents('auction.bid_placed a', 'auction.extended a');
    expect(scenario.nextDue).toBe(START + CLOSE_MS + 199);
    scenario
      .when(at(CLOSE_MS + 199), bids('bob', 'a', 5))
      .thenRejected('auction_closed')
      .when(sweep())
      .thenEventData('auction.awarded', { winner: 'cyd', price: '4' });
  });

  it('a bid that is refused moves nothing', () => {
    given(pool(), opens('ann', 'a', terms), bids('bob', 'a', 5), at(CLOSE_MS - 1))
      .when(bids('cyd', 'a', 5))
      .thenRejected('bid_too_low')
      .thenAuction('a', { closesAt: START + CLOSE_MS });
  });

  it('without softCloseMs the close stays where it is', () => {
    given(pool(), opens('ann', 'a', { kind }), at(CLOSE_MS - 1))
      .when(bids('bob', 'a', 5))
      .thenEvents('auction.bid_placed a');
  });

  it('only a bid that moves the price extends: a leader that raises its own maximum does not', () => {
    given(pool(), opens('ann', 'a', { ...terms, proxy: true }), bids('bob', 'a', 5))
      .when(at(CLOSE_MS - 1), bids('bob', 'a', 5.000001))
      .thenEvents('auction.bid_placed a')
      .thenAuction('a', { closesAt: START + CLOSE_MS })
      .when(bids('cyd', 'a', 3))
      .thenEvents('auction.bid_placed a', 'auction.extended a');
  });

  it('the auction ends by latestCloseAt, whatever is bid', () => {
    const latestCloseAt = START + CLOSE_MS + 60;
    given(pool(), opens('ann', 'a', { ...terms, latestCloseAt }))
      .when(at(CLOSE_MS - 1), bids('bob', 'a', 1))
      .thenPublished('auction.extended', { closesAt: latestCloseAt })
      .when(at(CLOSE_MS + 59), bids('cyd', 'a', 2))
      .thenEvents('auction.bid_placed a')
      .thenAuction('a', { closesAt: latestCloseAt })
      .when(at(CLOSE_MS + 60), bids('bob', 'a', 3))
      .thenRejected('auction_closed');
  });

  it('without latestCloseAt it ends after twenty soft closes', () => {
    const scenario = given(pool(), opens('ann', 'a', terms));
    let now = CLOSE_MS - 1;
    for (let price = 1; price <= 21; price++, now += 99) scenario.given(at(now), bids('bob', 'a', price));
    scenario
      .thenAuction('a', { closesAt: START + CLOSE_MS + 20 * 100 })
      .when(at(CLOSE_MS + 20 * 100), bids('cyd', 'a', 99))
      .thenRejected('auction_closed');
  });

  it.each([
    ['without softCloseMs', { latestCloseAt: START + CLOSE_MS }],
    ['before closesAt', { softCloseMs: 5, latestCloseAt: START + CLOSE_MS - 1 }],
  ])('invalid_decision: latestCloseAt %s', (_, fields) => {
    given(pool())
      .when(opens('ann', 'a', { kind, ...fields }))
      .thenRejected('invalid_decision');
  });
});

describe('reverse mirrors every rule of proxies', () => {
  const reverse = { kind, proxy: true, direction: 'reverse', reserve: 80, increment: 1 } as const;

  it('without a start price the secret minimum is not shown, and a lone bidder is paid the reserve', () => {
    given(pool(), opens('ann', 'a', reverse))
      .when(bids('bob', 'a', 50))
      .thenData({ auctionId: 'a', leader: 'bob', price: '1000000000000000', closesAt: START + CLOSE_MS })
      .when(bids('bob', 'a', 40))
      .thenData({ auctionId: 'a', leader: 'bob', price: '1000000000000000', closesAt: START + CLOSE_MS })
      .when(closes('ann', 'a'))
      .thenData({ auctionId: 'a', state: 'awarded', winner: 'bob', price: '80' });
  });

  it('with a start price the lone bidder holds it there', () => {
    given(pool(), opens('ann', 'a', { ...reverse, startPrice: 70 }))
      .when(bids('bob', 'a', 71))
      .thenRejected('bid_too_low', { transient: false })
      .when(bids('bob', 'a', 50))
      .thenData({ auctionId: 'a', leader: 'bob', price: '70', closesAt: START + CLOSE_MS })
      .when(closes('ann', 'a'))
      .thenData({ auctionId: 'a', state: 'awarded', winner: 'bob', price: '70' });
  });
});
