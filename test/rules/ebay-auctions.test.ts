import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  type Amount,
  type Bid,
  type EnglishRules,
  type EnglishState,
  openEnglish,
  parseAmount,
  parseIncrement,
  placeEnglishBid,
  settleEnglish,
} from '../../src/rules/index.ts';
import { EBAY_INCREMENTS } from './ebay.ts';

/** 343 real auctions with 5,917 proxy bids. The project reads the file where it is and holds no copy. */
const RECORDED = fileURLToPath(new URL('../../../shared/data/ebay-palm-bids.csv', import.meta.url));

interface RecordedAuction {
  readonly rules: EnglishRules;
  /** In the order of time; of equal times in the order of the file. */
  readonly bids: readonly Bid[];
  readonly finalPrice: Amount;
}

interface Replay extends RecordedAuction {
  readonly state: EnglishState;
  readonly accepted: readonly Bid[];
}

describe.skipIf(!existsSync(RECORDED))(
  `343 recorded eBay auctions (skipped where ${RECORDED} is absent)`,
  () => {
    const replays = existsSync(RECORDED) ? readAuctions().map(replay) : [];
    const biddersOf = ({ bids }: Replay) => new Set(bids.map(({ bidder }) => bidder)).size;
    const contested = replays.filter((auction) => biddersOf(auction) > 1);
    const alone = replays.filter((auction) => biddersOf(auction) === 1);
    const endsAsRecorded = ({ state, finalPrice }: Replay) => state.standing?.price === finalPrice;

    it('the file is the one that the figures are about', () => {
      expect(replays.flatMap(({ bids }) => bids)).toHaveLength(5_917);
      expect([replays.length, contested.length, alone.length]).toEqual([343, 320, 23]);
    });

    it('every auction is won by the highest maximum on record, of equal ones the earliest', () => {
      const lost = replays.filter(({ state, bids }) => {
        const highest = bids.reduce((best, bid) => (bid.amount > best.amount ? bid : best));
        return state.standing?.leader !== highest.bidder || state.standing.maximum !== highest.amount;
      });
      expect(lost).toEqual([]);
    });

    it('309 of 320 contested auctions end at the recorded price to the cent; the rest had hidden reserves or retractions', () => {
      expect(contested.filter(endsAsRecorded)).toHaveLength(309);
    });

    it('22 of 23 auctions with a single bidder end at the opening price', () => {
      expect(alone.filter(endsAsRecorded)).toHaveLength(22);
    });

    it('19 of 5,917 bids are too low: 16 that do not raise the own maximum, 3 below the price', () => {
      const refused = replays.reduce((sum, { bids, accepted }) => sum + bids.length - accepted.length, 0);
      expect(refused).toBe(19);
    });

    it('a recorded price that stood above the rule is a hidden reserve which the winner met: it pays the reserve', () => {
      const above = contested.filter(({ state, finalPrice }) => (state.standing?.price ?? 0n) < finalPrice);
      expect(above).toHaveLength(10);
      for (const { rules, accepted, state, finalPrice } of above) {
        expect(settleEnglish(accepted, { ...rules, reserve: finalPrice })).toMatchObject({
          winner: state.standing?.leader,
          price: finalPrice,
        });
      }
    });

    it('settling the accepted bids comes to the same as following them one by one', () => {
      for (const { rules, accepted, state } of replays) {
        const { leader: winner, price } = state.standing ?? {};
        expect(settleEnglish(accepted, rules)).toMatchObject({ winner, price });
      }
    });
  },
);

function replay(auction: RecordedAuction): Replay {
  let state = openEnglish(auction.rules);
  const accepted: Bid[] = [];
  for (const bid of auction.bids) {
    const answer = placeEnglishBid(state, bid);
    if (!answer.accepted) continue;
    state = answer.state;
    accepted.push(bid);
  }
  return { ...auction, state, accepted };
}

function readAuctions(): readonly RecordedAuction[] {
  const [header = '', ...lines] = readFileSync(RECORDED, 'utf8').trim().split('\n');
  const columns = header.split(',');
  const rows = lines.map((line) => {
    const cells = line.split(',');
    return (column: string) => cells[columns.indexOf(column)] ?? '';
  });
  const byAuction = new Map<string, typeof rows>();
  for (const row of rows) {
    const id = row('auction_id');
    byAuction.set(id, [...(byAuction.get(id) ?? []), row]);
  }
  return [...byAuction.values()].map((bidRows) => {
    // Array sorting is stable, so bids of the same moment stay in the order of the file.
    const inTime = bidRows.toSorted((a, b) => Number(a('bid_time_days')) - Number(b('bid_time_days')));
    const [first] = inTime;
    return {
      rules: {
        direction: 'forward',
        proxy: true,
        startPrice: dollars(first?.('opening_bid')),
        increment: parseIncrement(EBAY_INCREMENTS),
      },
      bids: inTime.map((row, order) => ({ bidder: row('bidder'), amount: dollars(row('bid')), order })),
      finalPrice: dollars(first?.('final_price')),
    };
  });
}

function dollars(text: string | undefined): Amount {
  const amount = parseAmount(text);
  if (amount === undefined) throw new Error(`not an amount in the record: ${text}`);
  return amount;
}
