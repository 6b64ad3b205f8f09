import type {
  AuctionBid,
  AuctionCancelCause,
  AuctionStanding,
  AuctionTerms,
  Secrecy,
  UnsoldReason,
} from '../../protocol/auctions.ts';
import type { Origin } from '../../protocol/documents.ts';
import type { Happened } from '../kernel/happened.ts';

interface AuctionOpenedData extends AuctionTerms {
  readonly order: number;
  readonly origin: Origin;
}

export interface BidPlacedData extends Omit<AuctionBid, 'at' | 'passedOver'> {
  /** The part of the bid that is not published yet. */
  readonly secrecy: Secrecy;
  /** Who leads an English auction after it. */
  readonly standing?: AuctionStanding;
}

interface AuctionAwardedData {
  readonly winner: string;
  /** The price that the winner pays; in a reverse auction, receives. */
  readonly price: string;
  /** The winner's bid; with proxies, its maximum. */
  readonly amount: string;
  /** Everyone who can have it, best first, the winner included: the first of many. */
  readonly ranking: readonly { readonly bidder: string; readonly amount: string }[];
  /** Those who would have had it before the winner and lost it, or cannot take it now. */
  readonly passedOver: readonly string[];
  readonly taskId?: string;
}

interface AuctionUnsoldData {
  readonly why: UnsoldReason;
  readonly passedOver: readonly string[];
  readonly taskId?: string;
}

interface AuctionCancelledData {
  readonly cause: AuctionCancelCause;
  readonly by: string;
  readonly taskId?: string;
}

/** Amounts are canonical decimal texts: "2.5", "10". */
export type AuctionEvent =
  | Happened<'auction.opened', AuctionOpenedData>
  | Happened<'auction.bid_placed', BidPlacedData>
  | Happened<'auction.extended', { readonly closesAt: number }>
  /** Once; with a task again for the next bidder, for as long as winners do not start. */
  | Happened<'auction.awarded', AuctionAwardedData>
  /** The winner has started, or the task has ended: the award stands. To subscribers the events of the task say so. */
  | Happened<'auction.settled', Record<string, never>>
  | Happened<'auction.unsold', AuctionUnsoldData>
  | Happened<'auction.cancelled', AuctionCancelledData>
  | Happened<'auction.removed', Record<string, never>>;
