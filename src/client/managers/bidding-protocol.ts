import type { AskOptions } from '../../bus/query-client.ts';
import type { PublicAuction } from '../../protocol/auctions.ts';
import { COMMONS } from '../../protocol/names.ts';
import type { Page, QueryInput } from '../../protocol/queries.ts';
import type { ConvergeClient } from '../core/client.ts';
import type { FieldsOf, InPool } from '../core/method-options.ts';
import { undefinedIfNotFound } from '../core/not-found.ts';
import type { InputOf, OutcomeOf } from '../core/outcomes.ts';
import { type ContractNet, type ContractNetResult, contractNet } from './contract-net.ts';

/** An auction to open; `auctionId` is chosen when left out, and the outcome's data names it. */
export type NewAuction = Omit<InputOf<'OpenAuction'>, 'type' | 'auctionId' | 'id' | 'onBehalfOf'> & {
  readonly auctionId?: string | undefined;
};

/** How an auction is opened: in which pool, for whom, how long to wait (milliseconds). */
export type OpenAuctionOptions = Pick<FieldsOf<'OpenAuction'>, 'id' | 'onBehalfOf' | 'timeoutMs'> & InPool;
/** How a bid is made: in which pool, for whom, how long to wait (milliseconds). */
export type SubmitBidOptions = FieldsOf<'SubmitBid', 'auctionId' | 'amount'> & InPool;
/** How an auction is closed before its time: in which pool, for whom, how long to wait (milliseconds). */
export type CloseAuctionOptions = FieldsOf<'CloseAuction', 'auctionId'> & InPool;
/** How an auction is cancelled: in which pool, for whom, how long to wait (milliseconds). */
export type CancelAuctionOptions = FieldsOf<'CancelAuction', 'auctionId'> & InPool;
/** Which auctions to list: of which pool, in which state, from which `cursor` on. */
export interface ListAuctionsOptions extends Omit<QueryInput<'auctions'>, 'pool'>, InPool, AskOptions {}

/**
 * Auctions. Every decision resolves with its outcome; a rejection is a value. Infrastructure errors reject, as in
 * {@link ConvergeClient.decide} and {@link ConvergeClient.query}. The pool is `commons` unless the options say otherwise.
 * Amounts are decimals of at most six places, as numbers or as texts; what the system says of them is text. Codes:
 * docs/protocol.md.
 */
export class BiddingProtocol {
  readonly #client: ConvergeClient;

  constructor(client: ConvergeClient) {
    this.#client = client;
  }

  /** With `taskId` the winner gets the task's claim, in the same step as the award. */
  open(auction: NewAuction, options: OpenAuctionOptions = {}): Promise<OutcomeOf<'OpenAuction'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    const { auctionId = this.#client.newId(), ...rest } = auction;
    return this.#client.decide(pool, { type: 'OpenAuction', auctionId, ...rest, ...fields }, { timeoutMs });
  }

  /** Bidding again replaces the bid. In a Dutch auction the first bid takes the lot at the price of the moment. */
  submitBid(
    auctionId: string,
    amount: string | number,
    options: SubmitBidOptions = {},
  ): Promise<OutcomeOf<'SubmitBid'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'SubmitBid', auctionId, amount, ...fields }, { timeoutMs });
  }

  /** Opener: closes the auction before its time, and says to whom the lot goes. At its time it closes by itself. */
  resolve(auctionId: string, options: CloseAuctionOptions = {}): Promise<OutcomeOf<'CloseAuction'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'CloseAuction', auctionId, ...fields }, { timeoutMs });
  }

  /** Opener: nobody gets anything, and sealed bids stay sealed. */
  cancel(auctionId: string, options: CancelAuctionOptions = {}): Promise<OutcomeOf<'CancelAuction'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'CancelAuction', auctionId, ...fields }, { timeoutMs });
  }

  /**
   * Opener: gives bidders more time. `closesAt`, milliseconds since the epoch, must be later than the present one and, where
   * the auction has a `latestCloseAt`, not later than that.
   */
  extend(
    auctionId: string,
    closesAt: number,
    options: FieldsOf<'ExtendAuction', 'auctionId' | 'closesAt'> & InPool = {},
  ): Promise<OutcomeOf<'ExtendAuction'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(
      pool,
      { type: 'ExtendAuction', auctionId, closesAt, ...fields },
      { timeoutMs },
    );
  }

  /** Its public part: sealed bids only after the close. Undefined if there is no such auction. */
  getAuction(
    auctionId: string,
    { pool = COMMONS, timeoutMs }: InPool & AskOptions = {},
  ): Promise<PublicAuction | undefined> {
    return undefinedIfNotFound(this.#client.query('auction', { pool, auctionId }, { timeoutMs }));
  }

  /** In the order in which they were opened, without the bids. */
  listAuctions({
    pool = COMMONS,
    timeoutMs,
    ...query
  }: ListAuctionsOptions = {}): Promise<Page<PublicAuction>> {
    return this.#client.query('auctions', { pool, ...query }, { timeoutMs });
  }

  /**
   * The contract net in one call: announces a task and an auction for it, collects bids for `bidMs`, and hands the task
   * to the best bidder. One that does not start within `claimTtlMs` loses it to the next. Resolves when someone has
   * started, or when it is clear that nobody will; see {@link ContractNetResult}.
   */
  contractNet(net: ContractNet): Promise<ContractNetResult> {
    return contractNet(this.#client, net);
  }
}
