/** Guards about auctions: each returns what it guards, or the rejection named after its rule. */
import type { Auction, OpenAuction } from '../../protocol/auctions.ts';
import { isClaimable, isFinal, type Member } from '../../protocol/documents.ts';
import { isRejected, type Rejected, rejected } from '../kernel/decided.ts';
import type { Context } from '../kernel/handler.ts';
import { requireMember } from '../pools/guards.ts';
import { claimLimitReached, claimsLeft, existingTask, isCapable, notPending } from '../tasks/guards.ts';
import { type Lapsed, lapse } from '../tasks/lapse.ts';
import type { PoolState } from '../world/pool-state.ts';

/** An auction that takes bids at this moment. It is over at `closesAt`, whether or not the sweep has run. */
export function auctionOpenNow(
  state: PoolState,
  auctionId: string,
  { now }: Context,
): OpenAuction | Rejected {
  const auction = state.entities.auction.get(auctionId);
  if (auction === undefined) {
    return rejected('auction_not_found', `there is no auction ${auctionId} in pool ${state.doc.pool}`);
  }
  if (auction.state !== 'open') return rejected('auction_closed', `auction ${auctionId} is ${auction.state}`);
  if (auction.closesAt <= now) return rejected('auction_closed', `auction ${auctionId} has closed`);
  if (taskHasEnded(state, auction, now)) {
    return rejected('auction_closed', `the task of auction ${auctionId} has ended`);
  }
  return auction;
}

function taskHasEnded(state: PoolState, { taskId }: Auction, now: number): boolean {
  if (taskId === undefined) return false;
  const task = state.entities.task.get(taskId);
  return task === undefined || isFinal(lapse(state, task, now).task);
}

/** The same for decisions that are its opener's alone. */
export function ownAuctionOpenNow(
  state: PoolState,
  auctionId: string,
  context: Context,
): OpenAuction | Rejected {
  const auction = auctionOpenNow(state, auctionId, context);
  if (isRejected(auction) || auction.opener === context.self) return auction;
  return rejected('not_allowed', `auction ${auctionId} was opened by ${auction.opener}`);
}

/** A task that can be auctioned: pending, and the opener's to give away. With what time has done to it. */
export function taskToAuction(state: PoolState, taskId: string, { self, now }: Context): Lapsed | Rejected {
  const found = existingTask(state, taskId);
  if (isRejected(found)) return found;
  if (found.submitter !== self && state.doc.owner !== self) {
    return rejected('not_allowed', `${self} may not auction task ${taskId}`);
  }
  const lapsed = lapse(state, found, now);
  return isClaimable(lapsed.task) ? lapsed : notPending(lapsed.task);
}

/** A bidder for a task must be able to take it: in a Dutch auction at once, in others when it closes. */
export function requireTaker(
  state: PoolState,
  { auctionKind }: Auction,
  taskId: string,
  context: Context,
): Member | Rejected {
  const member = requireMember(state, context);
  if (isRejected(member)) return member;
  const task = existingTask(state, taskId);
  if (isRejected(task)) return task;
  if (!isCapable(member, task)) {
    return rejected('missing_capability', `${context.self} lacks a capability that task ${taskId} requires`);
  }
  if (auctionKind === 'dutch' && claimsLeft(state, context) <= 0) return claimLimitReached(state, context);
  return member;
}
