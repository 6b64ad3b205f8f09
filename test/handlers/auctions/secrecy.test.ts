import { describe, expect, it } from 'vitest';
import { at, pool, START } from '../scenario.ts';
import { bids, CLOSE_MS, cancels, closes, given, opens, type Step, Told } from './told.ts';

const SECRETS = /31\.4159|27\.1828|16\.1803|whispered/;

/** All that goes out while a step is taken, and what queries answer after it. */
function toldBy(scenario: Told, step: Step): string {
  scenario.take(step);
  return `${scenario.told.text}\n${JSON.stringify(scenario.seen('a'))}`;
}

describe.each(['first_price_sealed', 'second_price_sealed'] as const)('%s: before the close', (kind) => {
  const opening = opens('ann', 'a', { kind, reserve: 16.1803 });
  const bidding: Step[] = [
    bids('bob', 'a', 31.4159, 'whispered'),
    bids('cyd', 'a', '27.1828', 'whispered'),
    bids('bob', 'a', 31.4159),
    bids('ann', 'a', 31.4159),
    bids('dot', 'a', '31.41591234'),
    at(CLOSE_MS),
    bids('dot', 'a', 31.4159, 'whispered'),
  ];

  it('no event, outcome or query says what was bid, nor the reserve', () => {
    const scenario = given(pool());
    for (const step of [opening, ...bidding]) expect(toldBy(scenario, step)).not.toMatch(SECRETS);
  });

  it('that somebody has bid, and when, is no secret', () => {
    given(pool(), opening)
      .when(bids('bob', 'a', 31.4159, 'whispered'))
      .thenData({ auctionId: 'a' })
      .thenPublished('auction.bid_placed', { bidder: 'bob' });
    expect(given(pool(), opening, at(3), bids('bob', 'a', 5)).seen('a')).toMatchObject({
      bidCount: 1,
      bids: [{ bidder: 'bob', at: START + 3 }],
    });
  });

  it('after the close everything is shown', () => {
    const scenario = given(pool(), opening, ...bidding.slice(0, 3), closes('ann', 'a'));
    expect(scenario.seen('a')).toMatchObject({
      state: 'awarded',
      winner: 'bob',
      price: kind === 'first_price_sealed' ? '31.4159' : '27.1828',
      reserve: '16.1803',
      bids: [
        { bidder: 'cyd', amount: '27.1828', content: 'whispered' },
        { bidder: 'bob', amount: '31.4159' },
      ],
    });
    expect(scenario.told.text).toMatch(/27\.1828/);
  });

  it('after a close without a sale too', () => {
    const scenario = given(pool(), opening, bids('bob', 'a', 2), closes('ann', 'a'));
    expect(scenario.seen('a')).toMatchObject({
      state: 'unsold',
      reserve: '16.1803',
      bids: [{ bidder: 'bob', amount: '2' }],
    });
  });

  it('what was cancelled never closed: its opener cannot look at the bids and ask for others', () => {
    const scenario = given(pool(), opening, ...bidding.slice(0, 3));
    expect(toldBy(scenario, cancels('ann', 'a'))).not.toMatch(SECRETS);
    expect(scenario.seen('a')).toMatchObject({
      state: 'cancelled',
      bids: [{ bidder: 'cyd' }, { bidder: 'bob' }],
    });
  });
});

describe('English with proxies: before the close', () => {
  const opening = opens('ann', 'a', {
    kind: 'english',
    proxy: true,
    startPrice: 1,
    increment: 0.5,
    reserve: 16.1803,
  });

  it('told are the standing price and who leads, and no maximum', () => {
    const scenario = given(pool(), opening)
      .when(bids('bob', 'a', 31.4159))
      .thenPublished('auction.bid_placed', { bidder: 'bob', leader: 'bob', price: '1' })
      .when(bids('cyd', 'a', 20, 'openly'))
      .thenPublished('auction.bid_placed', {
        bidder: 'cyd',
        leader: 'bob',
        price: '20.5',
        content: 'openly',
      });
    expect(scenario.seen('a')).toMatchObject({ leader: 'bob', price: '20.5' });
    for (const key of ['maximum', 'runnerUp', 'amount', 'standing', 'bidBytes', 'reserve'])
      expect(JSON.stringify(scenario.seen('a'))).not.toContain(key);
  });

  it('nothing that happens before the close tells the maximum of a leader', () => {
    const scenario = new Told().given(pool());
    const steps = [
      opening,
      bids('bob', 'a', 27.1828),
      bids('cyd', 'a', 1.2),
      bids('cyd', 'a', 5),
      bids('bob', 'a', 27.1828),
      bids('bob', 'a', 31.4159),
      bids('dot', 'a', 6),
      bids('ann', 'a', 7),
      at(CLOSE_MS),
      bids('dot', 'a', 40),
    ];
    for (const step of steps) expect(toldBy(scenario, step)).not.toMatch(SECRETS);
  });

  it('the second maximum is what the price gives away, by the rule, and only that', () => {
    const scenario = given(pool(), opening, bids('bob', 'a', 31.4159), bids('cyd', 'a', 27.1828));
    expect(scenario.seen('a').price).toBe('27.6828');
    expect(JSON.stringify(scenario.seen('a'))).not.toMatch(SECRETS);
  });

  it('after the close everything is shown', () => {
    const scenario = given(
      pool(),
      opening,
      bids('bob', 'a', 31.4159),
      bids('cyd', 'a', 20),
      closes('ann', 'a'),
    );
    const seen = scenario.seen('a');
    expect(seen).toMatchObject({
      winner: 'bob',
      price: '20.5',
      reserve: '16.1803',
      bids: [
        { bidder: 'bob', amount: '31.4159' },
        { bidder: 'cyd', amount: '20' },
      ],
    });
    expect(seen).not.toHaveProperty('leader');
  });

  it('cancelled, the maxima stay secret', () => {
    const scenario = given(pool(), opening, bids('bob', 'a', 31.4159));
    expect(toldBy(scenario, cancels('ann', 'a'))).not.toMatch(SECRETS);
  });
});

describe('English without proxies', () => {
  it('bids are open; the reserve is not, before the close', () => {
    const scenario = given(pool(), opens('ann', 'a', { kind: 'english', reserve: 16.1803 }))
      .when(bids('bob', 'a', 5, 'openly'))
      .thenPublished('auction.bid_placed', {
        bidder: 'bob',
        amount: '5',
        leader: 'bob',
        price: '5',
        content: 'openly',
      });
    expect(scenario.seen('a')).toMatchObject({ bids: [{ bidder: 'bob', amount: '5', content: 'openly' }] });
    expect(JSON.stringify(scenario.seen('a'))).not.toMatch(SECRETS);
  });
});

describe('what an opening tells', () => {
  it('everything but the reserve', () => {
    given(pool())
      .when(
        opens('ann', 'a', { kind: 'english', reserve: 9, startPrice: 1, increment: [{ step: 2 }], lot: [1] }),
      )
      .thenPublished('auction.opened', {
        kind: 'english',
        direction: 'forward',
        opener: 'ann',
        closesAt: START + CLOSE_MS,
        startPrice: '1',
        increment: [{ step: '2' }],
        lot: [1],
        order: expect.any(Number),
        origin: { agent: 'ann', decisionId: 'd-2' },
      });
  });
});
