import { type AuctionStanding, type OpenAuction, secrecyOf } from '../../protocol/auctions.ts';
import type { DecisionOf, OutcomeData } from '../../protocol/decisions/index.ts';
import { defined } from '../../protocol/defined.ts';
import type { Json } from '../../protocol/json.ts';
import { MAX_BID_CONTENT_BYTES, MAX_BIDDERS, MAX_BIDS_BYTES } from '../../protocol/limits.ts';
import { placeOf } from '../../protocol/marks.ts';
import type { HeldTask } from '../../protocol/outcome-data.ts';
import {
  type Amount,
  closeAfterBid,
  formatAmount,
  parseAmount,
  placeDutchBid,
  placeEnglishBid,
  placeSealedBid,
} from '../../rules/index.ts';
import {
  accepted,
  type Decided,
  isRejected,
  type Rejected,
  rateLimited,
  rejected,
} from '../kernel/decided.ts';
import type { DomainEvent } from '../kernel/events.ts';
import type { Context, Handler } from '../kernel/handler.ts';
import { openPool, strangerAmong, workingPool } from '../pools/guards.ts';
import { claimedTaskData } from '../tasks/claims.ts';
import type { PoolState } from '../world/pool-state.ts';
import { award } from './award.ts';
import { adding, bidOf } from './bids.ts';
import type { AuctionEvent } from './events.ts';
import { evolveAuction } from './evolve.ts';
import { auctionOpenNow, requireTaker } from './guards.ts';
import { dutchRules, englishState, optionalAmount, softCloseOf, standingOf } from './settlement.ts';
import { invalidAmount } from './terms.ts';

type BidPlaced = Extract<AuctionEvent, { readonly type: 'auction.bid_placed' }>;

export const submitBid: Handler<'SubmitBid'> = {
  touches: ({ auctionId }) => [{ kind: 'auction', id: auctionId }],
  decide(world, decision, context) {
    const state = openPool(world, context);
    if (isRejected(state)) return state;
    const auction = auctionOpenNow(state, decision.auctionId, context);
    if (isRejected(auction)) return auction;
    // For a task the best bid becomes a claim.
    const working = auction.taskId === undefined ? state : workingPool(world, context);
    if (isRejected(working)) return working;
    const fault = mayNotBid(state, auction, context);
    if (fault !== undefined) return fault;
    const amount = parseAmount(decision.amount);
    if (amount === undefined) return invalidAmount('amount');
    if (bytesOfContent(decision) > MAX_BID_CONTENT_BYTES) {
      return rejected('too_large', `content: at most ${MAX_BID_CONTENT_BYTES} bytes of JSON`);
    }
    return bid(state, auction, { ...decision, amount }, context);
  },
};

interface Offer {
  readonly amount: Amount;
  readonly content?: Json | undefined;
}

function mayNotBid(state: PoolState, auction: OpenAuction, context: Context): Rejected | undefined {
  if (auction.opener === context.self) {
    return rejected('not_allowed', `${context.self} opened auction ${auction.id} and cannot bid in it`);
  }
  if (auction.taskId === undefined) return strangerAmong(state, [context.self], context.now);
  const taker = requireTaker(state, auction, auction.taskId, context);
  return isRejected(taker) ? taker : undefined;
}

function bytesOfContent({ content }: DecisionOf<'SubmitBid'>): number {
  return content === undefined ? 0 : Buffer.byteLength(JSON.stringify(content));
}

function bid(
  state: PoolState,
  auction: OpenAuction,
  offer: Offer,
  context: Context,
): Decided<OutcomeData['SubmitBid']> {
  switch (auction.auctionKind) {
    case 'first_price_sealed':
    case 'second_price_sealed':
      return bidSealed(state, auction, offer, context);
    case 'english':
      return bidOpenly(state, auction, offer, context);
    case 'dutch':
      return take(state, auction, offer, context);
  }
}

/** The outcome contains only public data: anyone can query outcomes. */
function bidSealed(
  state: PoolState,
  auction: OpenAuction,
  offer: Offer,
  context: Context,
): Decided<OutcomeData['SubmitBid']> {
  const { direction } = auction;
  const answer = placeSealedBid({ direction, startPrice: optionalAmount(auction.startPrice) }, offer.amount);
  if (!answer.accepted) return tooLow(auction, answer.required, context);
  const placed = bidPlaced(state, auction, offer, context);
  return noRoom(auction, placed, context) ?? accepted([placed], { auctionId: auction.id });
}

function bidOpenly(
  state: PoolState,
  auction: OpenAuction,
  offer: Offer,
  context: Context,
): Decided<OutcomeData['SubmitBid']> {
  const { id, closesAt } = auction;
  const answer = placeEnglishBid(englishState(auction), { bidder: context.self, amount: offer.amount });
  if (!answer.accepted) return tooLow(auction, answer.required, context);
  const standing = standingOf(answer.state);
  const placed = bidPlaced(state, auction, offer, context, standing);
  const full = noRoom(auction, placed, context);
  if (full !== undefined) return full;
  const events: DomainEvent[] = [placed];
  const movesPrice = standing.price !== auction.standing?.price;
  const newClose = movesPrice ? closeAfterBid(softCloseOf(auction), context.now) : closesAt;
  if (newClose > closesAt) events.push({ type: 'auction.extended', id, data: { closesAt: newClose } });
  const { leader, price } = standing;
  return accepted(events, { auctionId: id, leader, price, closesAt: newClose });
}

/** Dutch: the first to say yes has it. */
function take(
  state: PoolState,
  auction: OpenAuction,
  offer: Offer,
  context: Context,
): Decided<OutcomeData['SubmitBid']> {
  const { now } = context;
  const answer = placeDutchBid(dutchRules(auction), auction.openedAt, { amount: offer.amount, atMs: now });
  if (!answer.accepted) {
    const message = `the price of auction ${auction.id} is ${formatAmount(answer.required)} now`;
    return rejected('bid_too_low', message);
  }
  const placed = bidPlaced(state, auction, offer, context);
  const taken = evolveAuction(auction, placed, context.pool, now);
  const events = taken === undefined ? [] : award(state, taken, now);
  const data = { auctionId: auction.id, winner: context.self, price: formatAmount(answer.price) };
  return accepted([placed, ...events], { ...data, ...claimedData(state, events) });
}

/** With a task, all that the winner needs to do it. */
function claimedData(state: PoolState, events: readonly DomainEvent[]): { readonly task?: HeldTask } {
  const claim = events.find((event) => event.type === 'task.claimed');
  const task = claim && state.entities.task.get(claim.id);
  return claim === undefined || task === undefined ? {} : { task: claimedTaskData(task, claim) };
}

function bidPlaced(
  state: PoolState,
  auction: OpenAuction,
  { amount, content }: Offer,
  context: Context,
  standing?: AuctionStanding,
): BidPlaced {
  const { self, now } = context;
  const isOfJoining = state.membership(self)?.joinedAt === now;
  return {
    type: 'auction.bid_placed',
    id: auction.id,
    data: {
      bidder: self,
      amount: formatAmount(amount),
      ...(isOfJoining ? { order: placeOf(context) } : {}),
      ...defined({ content }),
      secrecy: secrecyOf(auction),
      ...defined({ standing }),
    },
  };
}

/** The size of an auction is bounded: it is one document, which every bid writes again. */
function noRoom(auction: OpenAuction, { data }: BidPlaced, { now }: Context): Rejected | undefined {
  const { bidders, bidBytes } = adding(bidOf(data, now), auction);
  if (bidders <= MAX_BIDDERS && bidBytes <= MAX_BIDS_BYTES) return undefined;
  const met =
    bidders > MAX_BIDDERS
      ? { quota: 'bidders', limit: MAX_BIDDERS, used: auction.bids.length }
      : { quota: 'bidBytes', limit: MAX_BIDS_BYTES, used: auction.bidBytes };
  return rateLimited(`auction ${auction.id} has as many bids as an auction may have`, met);
}

/**
 * Tells no more than the standing price does: not even their own maximum to leaders, because outcomes can be asked
 * for by anyone. An English price never moves back, so the same bid will not do later either.
 */
function tooLow(auction: OpenAuction, required: Amount | undefined, { self }: Context): Rejected {
  return rejected('bid_too_low', lowMessage(auction, required, self), false);
}

function lowMessage(
  { id, direction, proxy, standing }: OpenAuction,
  required: Amount | undefined,
  self: string,
) {
  if (proxy === true && standing?.leader === self) {
    return `${self} leads auction ${id} and keeps its earlier maximum`;
  }
  if (required === undefined) return `no lower bid is possible in auction ${id}`;
  const bound = direction === 'forward' ? 'at least' : 'at most';
  return `a bid in auction ${id} must be ${bound} ${formatAmount(required)}`;
}
