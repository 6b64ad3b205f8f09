/**
 * The close: to whom the lot goes and at what price, or why to nobody. With a task its claim goes along, in the same
 * step; and when a winner gives it back unstarted, the lot goes on to the next as if the winner had never bid.
 */

import type { Auction, AuctionBid } from '../../protocol/auctions.ts';
import { defined } from '../../protocol/defined.ts';
import { isFinal, type LiveTask } from '../../protocol/documents.ts';
import { MAX_RANKING_TOLD } from '../../protocol/limits.ts';
import { COMMONS, SYSTEM } from '../../protocol/names.ts';
import { isPublic } from '../../protocol/visibility.ts';
import { formatAmount, type Settlement, type Sold } from '../../rules/index.ts';
import type { DomainEvent } from '../kernel/events.ts';
import { memberNow } from '../pools/guards.ts';
import { claimed } from '../tasks/claims.ts';
import { claimsLeft, isCapable } from '../tasks/guards.ts';
import { lapse } from '../tasks/lapse.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { AuctionEvent } from './events.ts';
import { settlementOf } from './settlement.ts';

export function award(state: PoolState, auction: Auction, now: number): readonly DomainEvent[] {
  const { taskId } = auction;
  if (taskId === undefined)
    return [
      announced(
        auction,
        choose(
          auction,
          (bid) => !state.isBanned(bid.bidder) && (isPublic(state.doc) || isOfThisStay(state, bid, now)),
        ),
      ),
    ];
  const found = state.entities.task.get(taskId);
  if (found === undefined || isFinal(found)) return [taskEnded(auction)];
  // Past its deadline it fails, and what that means for the auction follows from there.
  const { task, events } = lapse(state, found, now);
  if (isFinal(task)) return events;
  const choice = choose(
    auction,
    (bid) => isOfThisStay(state, bid, now) && canTake(state, task, bid.bidder, now),
  );
  const announcement = announced(auction, choice);
  return choice.settlement.sold
    ? [announcement, claimed(task, undefined, { self: choice.settlement.winner, now })]
    : [announcement, { type: 'task.unreserved', id: taskId, data: {} }];
}

/** The consequence of the end of its task for an auction that has not closed. */
export function taskEnded({ id, taskId }: Auction): AuctionEvent {
  return { type: 'auction.cancelled', id, data: { cause: 'task_ended', by: SYSTEM, ...ofTask(taskId) } };
}

interface Choice {
  readonly settlement: Settlement;
  /** Who loses it now, or would have it and cannot take it. */
  readonly passedOver: readonly string[];
}

/** The best of those who have not had their turn and can take it, at the price without those before it. */
function choose(auction: Auction, isAble: (bid: AuctionBid) => boolean): Choice {
  const bids = new Map(auction.bids.map((bid) => [bid.bidder, bid]));
  const canHaveIt = (bidder: string) => {
    const bid = bids.get(bidder);
    return bid !== undefined && isAble(bid);
  };
  const former = auction.state === 'awarded' ? [auction.winner] : [];
  const exclude = new Set(former);
  for (const { bidder, passedOver } of auction.bids) if (passedOver === true) exclude.add(bidder);
  const settlement = settlementOf(auction, exclude);
  const place = settlement.ranking.findIndex(({ bidder }) => canHaveIt(bidder));
  const unable = settlement.ranking.slice(0, place === -1 ? undefined : place).map(({ bidder }) => bidder);
  const passedOver = [...former, ...unable];
  if (unable.length === 0) return { settlement, passedOver };
  for (const bidder of unable) exclude.add(bidder);
  return { settlement: settlementOf(auction, exclude), passedOver };
}

/**
 * Is the bidder a member still, and has it been all the time since it bid? Its bids end with its stay: coming back revives
 * none. In `commons`, where everybody is a member, there are no stays.
 */
function isOfThisStay(state: PoolState, { bidder, at, order }: AuctionBid, now: number): boolean {
  const member = memberNow(state, bidder, now);
  if (member === undefined || state.doc.pool === COMMONS) return member !== undefined;
  return at === member.joinedAt ? order !== undefined && order > member.order : at > member.joinedAt;
}

function canTake(state: PoolState, task: LiveTask, bidder: string, now: number): boolean {
  if (state.doc.state === 'closed') return false;
  const member = memberNow(state, bidder, now);
  if (member === undefined || !isCapable(member, task)) return false;
  return claimsLeft(state, { self: bidder, now }) > 0;
}

function announced(auction: Auction, { settlement, passedOver }: Choice): AuctionEvent {
  const { id, taskId } = auction;
  if (settlement.sold)
    return { type: 'auction.awarded', id, data: awardData(settlement, passedOver, taskId) };
  const why = passedOver.length > 0 ? 'nobody_left' : settlement.why;
  return { type: 'auction.unsold', id, data: { why, passedOver, ...ofTask(taskId) } };
}

function awardData(
  { winner, price, bid, ranking }: Sold,
  passedOver: readonly string[],
  taskId: string | undefined,
): Extract<AuctionEvent, { readonly type: 'auction.awarded' }>['data'] {
  const told = ranking.slice(0, MAX_RANKING_TOLD);
  return {
    winner,
    price: formatAmount(price),
    amount: formatAmount(bid),
    ranking: told.map(({ bidder, amount }) => ({ bidder, amount: formatAmount(amount) })),
    passedOver,
    ...ofTask(taskId),
  };
}

function ofTask(taskId: string | undefined): { readonly taskId?: string } {
  return defined({ taskId });
}
