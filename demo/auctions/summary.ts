/** Compares what became of the auctions with what was recorded of them. */
import type { Amount } from '../../src/rules/index.ts';
import type { RecordedAuction } from './recorded-auctions.ts';
import type { Replayed } from './replay.ts';

export interface AuctionsSummary {
  readonly auctions: number;
  readonly bids: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Auctions with two bidders or more, and how many of them ended at the recorded price, to the cent. */
  readonly multiBidder: number;
  readonly priceMatches: number;
  /** The same of those with one bidder. */
  readonly singleBidder: number;
  readonly singleMatches: number;
  /** Auctions won by the highest maximum on record, of equal ones the earliest. */
  readonly winnersCorrect: number;
}

export function summarize(replayed: readonly Replayed[]): AuctionsSummary {
  const contested = replayed.filter(({ auction }) => biddersOf(auction) > 1);
  const alone = replayed.filter(({ auction }) => biddersOf(auction) === 1);
  return {
    auctions: replayed.length,
    bids: sum(replayed, ({ auction }) => auction.bids.length),
    accepted: sum(replayed, ({ accepted }) => accepted),
    rejected: sum(replayed, ({ rejected }) => rejected),
    multiBidder: contested.length,
    priceMatches: contested.filter(endedAsRecorded).length,
    singleBidder: alone.length,
    singleMatches: alone.filter(endedAsRecorded).length,
    winnersCorrect: replayed.filter(({ auction, winner }) => winner === highestBidder(auction)).length,
  };
}

function biddersOf({ bids }: RecordedAuction): number {
  return new Set(bids.map(({ bidder }) => bidder)).size;
}

function highestBidder({ bids }: RecordedAuction): string | undefined {
  const [first, ...others] = bids;
  return others.reduce((best, bid) => (best === undefined || bid.amount > best.amount ? bid : best), first)
    ?.bidder;
}

function endedAsRecorded({ auction, price }: Replayed): boolean {
  return price !== undefined && inCents(price) === inCents(auction.finalPrice);
}

const MICRO_UNITS_PER_CENT = 10_000n;

function inCents(amount: Amount): bigint {
  return (amount + MICRO_UNITS_PER_CENT / 2n) / MICRO_UNITS_PER_CENT;
}

function sum<T>(list: readonly T[], count: (item: T) => number): number {
  return list.reduce((total, item) => total + count(item), 0);
}

export function auctionsTable(summary: AuctionsSummary): string {
  const { auctions, bids, accepted, rejected } = summary;
  return [
    `${auctions} auctions, ${bids} bids: ${accepted} accepted, ${rejected} too low`,
    `  won by the highest maximum, of equal ones the earliest: ${summary.winnersCorrect} of ${auctions}`,
    `  at the recorded price, several bidders: ${summary.priceMatches} of ${summary.multiBidder}`,
    `  at the recorded price, a single bidder: ${summary.singleMatches} of ${summary.singleBidder}`,
    '',
  ].join('\n');
}
