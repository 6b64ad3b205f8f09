/**
 * Auctions: what is remembered of them, and what anyone may see (docs/protocol.md, "Auctions").
 *
 * Amounts are texts in all that the system says (documents, events, outcomes, queries): the one decimal text of each
 * amount, without trailing zeros ("2.5", "10", "0.000001"). Times are log time, milliseconds since the epoch.
 */

import type { Direction } from '../rules/index.ts';
import { defined } from './defined.ts';
import type { EntityCommon } from './entity-common.ts';
import type { Json } from './json.ts';

export const AUCTION_KINDS = ['first_price_sealed', 'second_price_sealed', 'english', 'dutch'] as const;
/** By which rules it is bid and priced: open and rising, at a falling price, or sealed at the first or second price. */
export type AuctionKind = (typeof AUCTION_KINDS)[number];

/** `forward`: the highest bid is best. `reverse`: the lowest. */
export const AUCTION_DIRECTIONS = ['forward', 'reverse'] as const satisfies readonly Direction[];
/** `forward`: the highest bid wins. `reverse`: the lowest does, as with offers to do a task. */
export type AuctionDirection = Direction;

/** At prices below `below` bids must improve by `step`; the last row may hold for every higher price. */
export interface IncrementRow {
  readonly below?: string | undefined;
  readonly step: string;
}

/** The terms with which an auction was opened. */
export interface AuctionTerms {
  readonly auctionKind: AuctionKind;
  readonly direction: AuctionDirection;
  readonly opener: string;
  /** At this moment it is closed. A soft close moves it. */
  readonly closesAt: number;
  /** The opener's secret until the close. The start price is public. */
  readonly reserve?: string | undefined;
  readonly startPrice?: string | undefined;
  readonly increment?: string | readonly IncrementRow[] | undefined;
  readonly proxy?: boolean | undefined;
  readonly softCloseMs?: number | undefined;
  /** A soft close moves `closesAt` no further than to here. There whenever `softCloseMs` is. */
  readonly latestCloseAt?: number | undefined;
  readonly step?: string | undefined;
  readonly stepMs?: number | undefined;
  /** The task whose claim goes to the winner. */
  readonly taskId?: string | undefined;
  readonly lot?: Json | undefined;
}

export interface AuctionBid {
  readonly bidder: string;
  /** With proxies the secret maximum (in reverse: minimum), in a Dutch auction the worst that the bidder would take. */
  readonly amount: string;
  readonly at: number;
  /** Place in the order of the log: only of one made in the very millisecond in which the bidder joined. */
  readonly order?: number | undefined;
  readonly content?: Json | undefined;
  /** It had its turn, or could not take it: the lot went, or goes, to the next. */
  readonly passedOver?: boolean | undefined;
}

/** Who leads an English auction. `maximum` and `runnerUp` are secrets of the bidders. */
export interface AuctionStanding {
  readonly leader: string;
  readonly price: string;
  readonly maximum: string;
  readonly runnerUp?: string | undefined;
}

interface AuctionCommon extends EntityCommon, AuctionTerms {
  readonly kind: 'auction';
  /** The last bid of each bidder, in the order of the log. */
  readonly bids: readonly AuctionBid[];
  /** Size of {@link bids} as JSON. */
  readonly bidBytes: number;
  /** All bids that were accepted, those included that their bidders have replaced. */
  readonly bidCount: number;
  /** English auctions only, from the first bid on. */
  readonly standing?: AuctionStanding | undefined;
}

export interface OpenAuction extends AuctionCommon {
  readonly state: 'open';
}
export interface AwardedAuction extends AuctionCommon {
  readonly state: 'awarded';
  readonly closedAt: number;
  readonly winner: string;
  /** The price that the winner pays; in a reverse auction, receives. */
  readonly price: string;
}
interface UnsoldAuction extends AuctionCommon {
  readonly state: 'unsold';
  readonly closedAt: number;
  readonly why: UnsoldReason;
}
interface CancelledAuction extends AuctionCommon {
  readonly state: 'cancelled';
  readonly cause: AuctionCancelCause;
  readonly by: string;
}

/** `nobody_left`: everyone who bid enough had a turn and did not start, or could not take the task. */
export type UnsoldReason = 'no_bids' | 'reserve_not_met' | 'nobody_left';
/** `task_ended`: the task was cancelled or failed while it was auctioned. */
export type AuctionCancelCause = 'cancelled' | 'task_ended';
export type Auction = OpenAuction | AwardedAuction | UnsoldAuction | CancelledAuction;

/** The secrets of the auction before the close: the bids, the maxima of proxies, or nothing. */
export type Secrecy = 'bids' | 'maxima' | 'nothing';

export function secrecyOf({ auctionKind, proxy }: Pick<AuctionTerms, 'auctionKind' | 'proxy'>): Secrecy {
  switch (auctionKind) {
    case 'first_price_sealed':
    case 'second_price_sealed':
      return 'bids';
    case 'english':
      return proxy === true ? 'maxima' : 'nothing';
    case 'dutch':
      return 'nothing';
  }
}

/** A bid as anyone may see it: of a sealed one that it was made, and when. */
export interface PublicBid extends Omit<AuctionBid, 'amount' | 'order'> {
  readonly amount?: string;
}

/**
 * An auction as anyone may see it, by the names that decisions use: without the reserve, without what is sealed and without the maxima of proxies
 * before the close. One that was cancelled never closed, and so never shows them: nobody can look at the bids and ask
 * for others.
 */
export interface PublicAuction extends Omit<EntityCommon, 'id'>, Omit<AuctionTerms, 'auctionKind'> {
  readonly auctionId: string;
  readonly kind: AuctionKind;
  readonly state: Auction['state'];
  readonly bidCount: number;
  /** The last bid of each bidder, in the order of the log. Left out in lists of auctions. */
  readonly bids?: readonly PublicBid[];
  /** Who leads, as long as it is open: English auctions only. */
  readonly leader?: string;
  /** The standing price of an English auction that is open; of any that is awarded, the price to pay. */
  readonly price?: string;
  readonly winner?: string;
  readonly why?: UnsoldReason;
  readonly cause?: AuctionCancelCause;
  readonly by?: string;
  /** When bidding ended. */
  readonly closedAt?: number;
}

export function publicAuction(auction: Auction): PublicAuction {
  const secrecy = isDisclosed(auction) ? 'nothing' : secrecyOf(auction);
  return { ...listedAuction(auction), bids: auction.bids.map((bid) => publicBid(bid, secrecy)) };
}

/** The same without the bids, of which there may be many. */
export function listedAuction(auction: Auction): PublicAuction {
  const { id, kind: _, auctionKind, bids: _bids, bidBytes: _bytes, standing, reserve, ...shown } = auction;
  return {
    auctionId: id,
    kind: auctionKind,
    ...shown,
    ...(reserve === undefined || !isDisclosed(auction) ? {} : { reserve }),
    ...(standing === undefined || auction.state !== 'open'
      ? {}
      : { leader: standing.leader, price: standing.price }),
  };
}

function isDisclosed({ state }: Auction): boolean {
  return state === 'awarded' || state === 'unsold';
}

function publicBid({ bidder, amount, at, content, passedOver }: AuctionBid, secrecy: Secrecy): PublicBid {
  if (secrecy === 'bids') return { bidder, at };
  return {
    bidder,
    ...(secrecy === 'maxima' ? {} : { amount }),
    at,
    ...defined({ content, passedOver }),
  };
}
