import { describe, expect, it } from 'vitest';
import type { AuctionEvent } from '../../../src/handlers/auctions/events.ts';
import { evolveAuction } from '../../../src/handlers/auctions/evolve.ts';
import type { Auction } from '../../../src/protocol/auctions.ts';

const opened: AuctionEvent = {
  type: 'auction.opened',
  id: 'a',
  data: {
    auctionKind: 'first_price_sealed',
    direction: 'forward',
    opener: 'ann',
    closesAt: 1_000,
    taskId: 't',
    order: 101,
    origin: { agent: 'ann', decisionId: 'd-1' },
  },
};
const bid: AuctionEvent = {
  type: 'auction.bid_placed',
  id: 'a',
  data: { bidder: 'bob', amount: '5', secrecy: 'bids' },
};
const extended: AuctionEvent = { type: 'auction.extended', id: 'a', data: { closesAt: 2_000 } };
const awarded: AuctionEvent = {
  type: 'auction.awarded',
  id: 'a',
  data: { winner: 'bob', price: '5', amount: '5', ranking: [], passedOver: [], taskId: 't' },
};
const settled: AuctionEvent = { type: 'auction.settled', id: 'a', data: {} };
const unsold: AuctionEvent = {
  type: 'auction.unsold',
  id: 'a',
  data: { why: 'nobody_left', passedOver: ['bob'], taskId: 't' },
};
const cancelled: AuctionEvent = {
  type: 'auction.cancelled',
  id: 'a',
  data: { cause: 'cancelled', by: 'ann', taskId: 't' },
};
const removed: AuctionEvent = { type: 'auction.removed', id: 'a', data: {} };

function having(...events: readonly AuctionEvent[]): Auction | undefined {
  let auction: Auction | undefined;
  let now = 0;
  for (const event of events) {
    auction = evolveAuction(auction, event, 'work', now);
    now += 10;
  }
  return auction;
}

describe('what does not fit the state of an auction is a fault, and no event', () => {
  it.each([bid, extended, awarded, settled, unsold, cancelled, removed])(
    '$type: of an unknown one',
    (event) => {
      expect(() => having(event)).toThrow(`${event.type} of the unknown auction a`);
    },
  );

  it.each([bid, extended, cancelled])('$type: of one that is not open any more', (event) => {
    expect(() => having(opened, bid, awarded, event)).toThrow(`${event.type} of auction a: awarded`);
    expect(() => having(opened, unsold, event)).toThrow(`${event.type} of auction a: unsold`);
    expect(() => having(opened, cancelled, event)).toThrow(`${event.type} of auction a: cancelled`);
  });

  it.each([awarded, settled, unsold])('$type: of one that is over', (event) => {
    for (const endings of [[bid, awarded, settled], [unsold], [cancelled]])
      expect(() => having(opened, ...endings, event)).toThrow(`${event.type} of auction a, which has ended`);
  });
});

describe('an award that is not settled', () => {
  it('goes on to the next: bidding has ended when it ended first', () => {
    const next: AuctionEvent = { ...awarded, data: { ...awarded.data, winner: 'cyd', passedOver: ['bob'] } };
    const auction = having(opened, bid, awarded, next);
    expect(auction).toMatchObject({ state: 'awarded', winner: 'cyd', closedAt: 20 });
    expect(auction?.bids).toEqual([{ bidder: 'bob', amount: '5', at: 10, passedOver: true }]);
    expect(auction).not.toHaveProperty('finishedAt');
  });

  it('comes to nothing: there is no winner and no price any more', () => {
    const auction = having(opened, bid, awarded, unsold);
    expect(auction).toMatchObject({ state: 'unsold', closedAt: 20, finishedAt: 30, why: 'nobody_left' });
    expect(auction).not.toHaveProperty('winner');
    expect(auction).not.toHaveProperty('price');
  });

  it('stands from the moment it is settled', () => {
    expect(having(opened, bid, awarded, settled)).toMatchObject({
      winner: 'bob',
      closedAt: 20,
      finishedAt: 30,
    });
  });
});

describe('what falls due', () => {
  it('an open auction at its close, where it was moved to last', () => {
    expect(having(opened)?.dueAt).toBe(1_000);
    expect(having(opened, extended)).toMatchObject({ closesAt: 2_000, dueAt: 2_000 });
  });

  it.each([
    ['awarded', awarded],
    ['unsold', unsold],
    ['cancelled', cancelled],
  ])('nothing of one that is %s', (_, event) => {
    expect(having(opened, bid, event)?.dueAt).toBeUndefined();
  });
});

it('an auction that is removed is no more', () => {
  expect(having(opened, cancelled, removed)).toBeUndefined();
});
