import { describe, expect, it } from 'vitest';
import { at, pool, START, sweep } from '../scenario.ts';
import { bids, CLOSE_MS, closes, given, opens, type Told } from './told.ts';

type Bids = readonly (readonly [bidder: string, amount: number | string])[];

function bidding(fields: Parameters<typeof opens>[2], list: Bids): Told {
  const scenario = given(pool(), opens('ann', 'a', fields));
  for (const [bidder, amount] of list) scenario.given(bids(bidder, 'a', amount));
  return scenario.when(closes('ann', 'a'));
}

function sold(winner: string, price: string) {
  return { auctionId: 'a', state: 'awarded', winner, price };
}

function unsold(why: string) {
  return { auctionId: 'a', state: 'unsold', why };
}

describe('first-price sealed: the best bid wins and pays itself', () => {
  const kind = 'first_price_sealed';

  it.each([
    ['forward', 'cyd', '9.5'],
    ['reverse', 'bob', '3'],
  ] as const)('%s', (direction, winner, price) => {
    bidding({ kind, direction }, [
      ['bob', 3],
      ['cyd', 9.5],
      ['dot', 7],
    ])
      .thenEvents('auction.awarded a')
      .thenData(sold(winner, price))
      .thenAuction('a', { state: 'awarded', winner, price, closedAt: START, finishedAt: START });
  });

  it.each(['forward', 'reverse'] as const)('%s: of equal bids the earlier in the log', (direction) => {
    bidding({ kind, direction }, [
      ['bob', 5],
      ['cyd', '5.00'],
    ]).thenData(sold('bob', '5'));
  });

  it('a bidder may replace its bid, for worse too; the last one counts', () => {
    bidding({ kind }, [
      ['bob', 9],
      ['cyd', 5],
      ['bob', 4],
    ]).thenData(sold('cyd', '5'));
  });

  it('a replacement ranks by its own time: who bids the same again has lost its place', () => {
    bidding({ kind }, [
      ['bob', 5],
      ['cyd', 5],
      ['bob', 5],
    ]).thenData(sold('cyd', '5'));
  });

  it('a single bidder pays its own bid', () => {
    bidding({ kind }, [['bob', 0]]).thenData(sold('bob', '0'));
  });

  it('no bids: no sale', () => {
    bidding({ kind }, [])
      .thenEvents('auction.unsold a')
      .thenData(unsold('no_bids'))
      .thenAuction('a', { state: 'unsold', why: 'no_bids', closedAt: START, finishedAt: START });
  });

  it.each([
    ['forward', 6],
    ['reverse', 4],
  ] as const)('%s: no bid that meets the reserve: no sale', (direction, reserve) => {
    bidding({ kind, direction, reserve }, [['bob', 5]]).thenData(unsold('reserve_not_met'));
    bidding({ kind, direction, reserve: 5 }, [['bob', 5]]).thenData(sold('bob', '5'));
  });
});

describe('second-price sealed: the best bid wins and pays the second-best', () => {
  const kind = 'second_price_sealed';

  it.each([
    ['forward', 'cyd', '7'],
    ['reverse', 'bob', '7'],
  ] as const)('%s', (direction, winner, price) => {
    bidding({ kind, direction }, [
      ['bob', 3],
      ['cyd', 9.5],
      ['dot', 7],
    ]).thenData(sold(winner, price));
  });

  it.each(['forward', 'reverse'] as const)('%s: of equal bids the earlier, at its own price', (direction) => {
    bidding({ kind, direction }, [
      ['bob', 5],
      ['cyd', 5],
    ]).thenData(sold('bob', '5'));
  });

  it.each([
    ['forward', 8, 'cyd', '8'],
    ['forward', 6, 'cyd', '7'],
    ['reverse', 6, 'bob', '6'],
    ['reverse', 8, 'bob', '7'],
  ] as const)(
    '%s: or the reserve of %d if that is worse for the winner',
    (direction, reserve, winner, price) => {
      const list: Bids = [
        ['bob', 3],
        ['cyd', 9.5],
        ['dot', 7],
      ];
      bidding({ kind, direction, reserve }, list).thenData(sold(winner, price));
    },
  );

  it.each([
    ['the reserve', 'forward', { reserve: 4, startPrice: 2 }, '4'],
    ['else startPrice', 'forward', { startPrice: 2 }, '2'],
    ['else nothing', 'forward', {}, '0'],
    ['the reserve', 'reverse', { reserve: 8 }, '8'],
    ['the start price above the reserve', 'forward', { reserve: 2, startPrice: 4 }, '4'],
    ['else startPrice', 'reverse', { startPrice: 7 }, '7'],
    ['else the largest amount', 'reverse', {}, '1000000000000000'],
  ] as const)('a lone bidder pays %s (%s)', (_, direction, fields, price) => {
    bidding({ kind, direction, ...fields }, [['bob', 5]]).thenData(sold('bob', price));
  });

  it('no bids, no bid that meets the reserve: no sale', () => {
    bidding({ kind }, []).thenData(unsold('no_bids'));
    bidding({ kind, reserve: 6 }, [['bob', 5]]).thenData(unsold('reserve_not_met'));
  });
});

describe('the close', () => {
  it('comes by the sweep at closesAt, and not a millisecond earlier', () => {
    given(pool(), opens('ann', 'a'), bids('bob', 'a', 5))
      .when(at(CLOSE_MS - 1), sweep())
      .thenEvents()
      .when(at(CLOSE_MS), sweep())
      .thenEvents('auction.awarded a')
      .thenAuction('a', { state: 'awarded', winner: 'bob', price: '5', closedAt: START + CLOSE_MS });
  });

  it('a late sweep changes nothing but the delay; sweeping again changes nothing', () => {
    const scenario = given(pool(), opens('ann', 'a'), bids('bob', 'a', 5), at(9_999)).when(sweep());
    scenario.thenEvents('auction.awarded a').when(sweep()).thenEvents();
    expect(scenario.nextDue).toBeGreaterThan(START + 9_999);
  });

  it('tells the ranking, best first, of those who met the reserve', () => {
    const list: Bids = [
      ['bob', 3],
      ['cyd', 9.5],
      ['dot', 7],
    ];
    bidding({ reserve: 5 }, list).thenPublished('auction.awarded', {
      winner: 'cyd',
      price: '9.5',
      amount: '9.5',
      ranking: [
        { bidder: 'cyd', amount: '9.5' },
        { bidder: 'dot', amount: '7' },
      ],
      passedOver: [],
    });
  });

  it('tells the first hundred of many', () => {
    const scenario = given(pool(), opens('ann', 'a'));
    for (let i = 0; i < 120; i++) scenario.given(bids(`b-${i}`, 'a', i));
    scenario.when(closes('ann', 'a'));
    const [event] = scenario.told.events;
    expect(event?.data).toMatchObject({ winner: 'b-119' });
    expect(Object(event?.data).ranking).toHaveLength(100);
  });
});

describe('bid_too_low: a bid worse than startPrice, in either kind and direction', () => {
  it.each([
    ['first_price_sealed', 'forward', 99.999999, 100],
    ['second_price_sealed', 'forward', 3, 100],
    ['first_price_sealed', 'reverse', 100.000001, 100],
    ['second_price_sealed', 'reverse', 300, 100],
  ] as const)('%s %s: %d', (kind, direction, worse, startPrice) => {
    given(pool(), opens('ann', 'a', { kind, direction, startPrice }))
      .when(bids('bob', 'a', worse))
      .thenRejected('bid_too_low', { transient: false })
      .when(bids('bob', 'a', startPrice))
      .thenEvents('auction.bid_placed a');
  });

  it('so a further bid of 3 does not lower what a lone bid of 200 pays', () => {
    given(pool(), opens('ann', 'a', { kind: 'second_price_sealed', startPrice: 100 }), bids('bob', 'a', 200))
      .when(bids('cyd', 'a', 3))
      .thenRejected('bid_too_low')
      .when(closes('ann', 'a'))
      .thenData({ auctionId: 'a', state: 'awarded', winner: 'bob', price: '100' });
  });
});
