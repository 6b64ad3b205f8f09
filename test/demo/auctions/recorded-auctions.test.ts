import { describe, expect, it } from 'vitest';
import { readRecordedAuctions, recordedAuctions } from '../../../demo/auctions/recorded-auctions.ts';
import { InputError } from '../../../demo/input-error.ts';

const HEADER = 'auction_id,bid,bid_time_days,bidder,bidder_rating,opening_bid,final_price,item,duration_days';

function read(...lines: readonly string[]) {
  const notes: string[] = [];
  const auctions = recordedAuctions('f.csv', [HEADER, ...lines, ''].join('\n'), (what) => notes.push(what));
  return Object.assign(auctions, { notes });
}

function nothing(): void {}

describe('a file of recorded auctions', () => {
  it('has the bids of an auction in the order of their times, of the same time in that of the file', () => {
    const auctions = read(
      'a,50,2.5,bob,1,0.99,260,palm,7',
      'b,1,0,bob,1,1,1,palm,7',
      'a,10.5,9.0e-05,cyd,1,0.99,260,palm,7',
      'a,60,2.5,dot,1,0.99,260,palm,7',
    );
    expect([...auctions]).toEqual([
      {
        id: 'a',
        openingBid: 990_000n,
        finalPrice: 260_000_000n,
        bids: [
          { bidder: 'cyd', amount: 10_500_000n },
          { bidder: 'bob', amount: 50_000_000n },
          { bidder: 'dot', amount: 60_000_000n },
        ],
      },
      {
        id: 'b',
        openingBid: 1_000_000n,
        finalPrice: 1_000_000n,
        bids: [{ bidder: 'bob', amount: 1_000_000n }],
      },
    ]);
  });

  it('may have its columns in any order, others among them, quotes, CRLF and a byte order mark', () => {
    const [auction] = recordedAuctions(
      'f.csv',
      '\uFEFFbidder,x,auction_id,bid,bid_time_days,opening_bid,final_price\r\n"bob","a ""b"", c",7,5,1,1,5\r\n',
      nothing,
    );
    expect(auction).toMatchObject({ id: '7', bids: [{ bidder: 'bob' }] });
  });

  it('names that cannot stand in a subject get a number, each its own', () => {
    const auctions = read(
      'a b,1,0,joe@home.org,1,1,1,palm,7',
      'a b,2,1,_joe,1,1,1,palm,7',
      'a b,3,2,joe@home.org,1,1,1,palm,7',
      'a b,3,2,bidder--1,1,1,1,palm,7',
    );
    expect(auctions[0]?.id).toBe('auction--1');
    expect(auctions[0]?.bids.map(({ bidder }) => bidder)).toEqual([
      'bidder--1',
      'bidder--2',
      'bidder--1',
      'bidder--3',
    ]);
  });

  it('what it says of an auction twice is noted when it is not the same; what the first bid says counts', () => {
    const { notes, ...auctions } = read(
      'a,2,1,bob,1,2,9,palm,7',
      'a,1,0,bob,1,1,9.00,palm,7',
      'a,3,2,bob,1,1,8,palm,7',
    );
    expect(auctions[0]).toMatchObject({ openingBid: 1_000_000n, finalPrice: 9_000_000n });
    expect(notes).toEqual([
      'f.csv:2: opening_bid is 2; line 3 says 1',
      'f.csv:4: final_price is 8; line 3 says 9.00',
    ]);
  });

  it.each([
    ['too few fields', ['a,1,0,bob'], 'f.csv:2: 4 fields where the header has 9'],
    ['too many', ['a,1,0,bob,1,1,1,palm,7', 'a,1,0,bob,1,1,1,palm,7,8'], 'f.csv:3: 10 fields'],
    ['an amount that is none', ['a,1e3,0,bob,1,1,1,palm,7'], 'f.csv:2: bid is "1e3", not a decimal'],
    ['a negative opening bid', ['a,1,0,bob,1,-1,1,palm,7'], 'f.csv:2: opening_bid is "-1"'],
    ['a final price that is none', ['a,1,0,bob,1,1,,palm,7'], 'f.csv:2: final_price is ""'],
    ['a time that is none', ['a,1,soon,bob,1,1,1,palm,7'], 'f.csv:2: bid_time_days is "soon"'],
    ['nobody bids', ['a,1,0,,1,1,1,palm,7'], 'f.csv:2: bidder is empty'],
    ['a quote in the middle', ['a,1"2",0,bob,1,1,1,palm,7'], 'f.csv:2: a quote where none can stand'],
    ['nothing', [], 'f.csv: there are no rows'],
  ])('is refused with the line of the fault: %s', (_, lines, message) => {
    expect(() => read(...lines)).toThrow(InputError);
    expect(() => read(...lines)).toThrow(message);
  });

  it('is refused when the header lacks a column, or the file is not there', async () => {
    expect(() => recordedAuctions('f.csv', 'auction_id,bid\na,1\n', nothing)).toThrow(
      /f\.csv:1: .*bid_time_days/,
    );
    expect(() => recordedAuctions('f.csv', `${HEADER},bid\n`, nothing)).toThrow(
      'f.csv:1: the header names a column twice',
    );
    await expect(readRecordedAuctions('/nowhere/f.csv', nothing)).rejects.toThrow(
      /cannot read \/nowhere\/f\.csv/,
    );
  });
});
