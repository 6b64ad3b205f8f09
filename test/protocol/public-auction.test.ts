import { describe, expect, it } from 'vitest';
import { type Auction, listedAuction, publicAuction, secrecyOf } from '../../src/protocol/auctions.ts';

type Terms = Pick<Auction, 'auctionKind' | 'proxy' | 'standing'>;

const BIDS = [
  { bidder: 'bob', amount: '5', at: 10, content: 'mine', passedOver: true },
  { bidder: 'cyd', amount: '3', at: 20 },
];
const COMMON = {
  kind: 'auction',
  pool: 'work',
  id: 'a-1',
  order: 101,
  openedAt: 0,
  origin: { agent: 'ann', decisionId: 'd-1' },
  direction: 'forward',
  opener: 'ann',
  closesAt: 1_000,
  reserve: '2',
  bids: BIDS,
  bidBytes: 90,
  bidCount: 2,
} as const;

const SEALED: Terms = { auctionKind: 'first_price_sealed' };
const PROXIES: Terms = {
  auctionKind: 'english',
  proxy: true,
  standing: { leader: 'bob', price: '4', maximum: '5', runnerUp: '3' },
};

const open = (terms: Terms): Auction => ({ ...COMMON, ...terms, state: 'open', dueAt: 1_000 });
const awarded = (terms: Terms): Auction => ({
  ...COMMON,
  ...terms,
  state: 'awarded',
  closedAt: 900,
  finishedAt: 900,
  winner: 'bob',
  price: '5',
});
const unsold = (terms: Terms): Auction => ({
  ...COMMON,
  ...terms,
  state: 'unsold',
  closedAt: 900,
  finishedAt: 900,
  why: 'nobody_left',
});
const cancelled = (terms: Terms): Auction => ({
  ...COMMON,
  ...terms,
  state: 'cancelled',
  finishedAt: 900,
  cause: 'cancelled',
  by: 'ann',
});

describe('what is secret until the close', () => {
  it.each([
    ['first_price_sealed', undefined, 'bids'],
    ['second_price_sealed', undefined, 'bids'],
    ['english', true, 'maxima'],
    ['english', false, 'nothing'],
    ['english', undefined, 'nothing'],
    ['dutch', undefined, 'nothing'],
  ] as const)('of %s with proxy %s: %s', (auctionKind, proxy, secret) => {
    expect(secrecyOf({ auctionKind, proxy })).toBe(secret);
  });
});

describe('a bid as anyone may see it', () => {
  it('sealed: that it was made, and when', () => {
    expect(publicAuction(open(SEALED)).bids).toEqual([
      { bidder: 'bob', at: 10 },
      { bidder: 'cyd', at: 20 },
    ]);
  });

  it('with a proxy: everything but the maximum', () => {
    expect(publicAuction(open(PROXIES)).bids).toEqual([
      { bidder: 'bob', at: 10, content: 'mine', passedOver: true },
      { bidder: 'cyd', at: 20 },
    ]);
  });

  it.each([
    ['in an open auction', open({ auctionKind: 'english' })],
    ['in a Dutch one', open({ auctionKind: 'dutch' })],
    ['sealed, after the award', awarded(SEALED)],
    ['sealed, after a close without a sale', unsold(SEALED)],
    ['with a proxy, after the award', awarded(PROXIES)],
  ])('%s: all of it', (_, auction) => {
    expect(publicAuction(auction).bids).toEqual(BIDS);
  });

  it('has no members that it does not say', () => {
    const [, second = {}] = publicAuction(awarded(SEALED)).bids ?? [];
    expect(Object.keys(second)).toEqual(['bidder', 'amount', 'at']);
    const [, ofProxy = {}] = publicAuction(open(PROXIES)).bids ?? [];
    expect(Object.keys(ofProxy)).toEqual(['bidder', 'at']);
  });

  it('sealed, of an auction that was cancelled: it stays as secret as it was', () => {
    expect(publicAuction(cancelled(SEALED)).bids).toEqual([
      { bidder: 'bob', at: 10 },
      { bidder: 'cyd', at: 20 },
    ]);
  });
});

describe('an auction as anyone may see it', () => {
  it.each([
    ['open', open(SEALED), undefined],
    ['cancelled', cancelled(SEALED), undefined],
    ['awarded', awarded(SEALED), '2'],
    ['unsold', unsold(SEALED), '2'],
  ])('%s: the reserve is told after the close only', (_, auction, reserve) => {
    expect(listedAuction(auction).reserve).toBe(reserve);
    expect('reserve' in listedAuction(auction)).toBe(reserve !== undefined);
  });

  it('one without a reserve has none to tell', () => {
    const { reserve: _, ...without } = awarded(SEALED);
    expect(listedAuction(without)).not.toHaveProperty('reserve');
  });

  it('tells who leads and the standing price as long as it is open, and never a maximum', () => {
    expect(listedAuction(open(PROXIES))).toMatchObject({ leader: 'bob', price: '4' });
    expect(JSON.stringify(listedAuction(open(PROXIES)))).not.toMatch(/maximum|runnerUp|standing/);
  });

  it('has nobody who leads before the first bid, and after the close', () => {
    for (const auction of [open(SEALED), unsold(PROXIES), cancelled(PROXIES)]) {
      expect(listedAuction(auction)).not.toHaveProperty('leader');
      expect(listedAuction(auction)).not.toHaveProperty('price');
    }
  });

  it('is awarded at the price to pay, not at the one that stood', () => {
    expect(listedAuction(awarded(PROXIES))).toMatchObject({ price: '5', winner: 'bob' });
    expect(listedAuction(awarded(PROXIES))).not.toHaveProperty('leader');
  });

  it('has no bids in a list, but how many there were', () => {
    expect(listedAuction(awarded(SEALED))).toMatchObject({ bidCount: 2 });
    expect(listedAuction(awarded(SEALED))).not.toHaveProperty('bids');
    expect(listedAuction(awarded(SEALED))).not.toHaveProperty('bidBytes');
  });
});
