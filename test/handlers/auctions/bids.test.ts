import { expect, it } from 'vitest';
import { adding } from '../../../src/handlers/auctions/bids.ts';
import type { OpenAuction } from '../../../src/protocol/auctions.ts';

const bob = { bidder: 'bob', amount: '5', at: 1 };
const cyd = { bidder: 'cyd', amount: '5', at: 1 };
const auction = { bids: [bob], bidBytes: 100 } as unknown as OpenAuction;

it('a bidder that is new is one more', () => {
  expect(adding(cyd, auction)).toMatchObject({ replaced: undefined, bidders: 2 });
});

it('a bid takes the bytes of its JSON and a comma', () => {
  expect(adding(cyd, auction).bidBytes).toBe(100 + Buffer.byteLength(JSON.stringify(cyd)) + 1);
});

it('a bid in place of another makes nobody more, and takes what it is longer', () => {
  const again = { ...bob, amount: '5555' };
  expect(adding(again, auction)).toEqual({ replaced: bob, bidders: 1, bidBytes: 103 });
});
