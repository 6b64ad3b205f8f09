/**
 * What time has ended counts in no limit, whether or not a sweep has met it. It is found by what falls due, and looked for only
 * where it could make a difference: each of these finds no more than it is asked for.
 *
 * Not here: bytes, which are taken until they are freed, and closed pools, which are kept until they are removed.
 */

import { type ClaimedTask, isClaimed, isFinal, type Task } from '../../protocol/documents.ts';
import { waitsForResume } from '../auctions/due.ts';
import { isExpired } from '../negotiations/due.ts';
import { claimIsLive, lapse } from '../tasks/lapse.ts';
import { isOver } from '../votes/due.ts';
import { type Due, isOfTask } from '../world/due.ts';
import { countDueByNow } from '../world/due-by-now.ts';
import type { PoolState } from '../world/pool-state.ts';

/** Kinds of which only open ones count. */
export type OpenedKind = 'auction' | 'vote' | 'negotiation';

export function claimsThatAreOver(state: PoolState, now: number, most: number): number {
  const isOverClaim = (task: Task | undefined): task is ClaimedTask =>
    task !== undefined && isClaimed(task) && !state.isVoidClaim(task) && !claimIsLive(state, task, now);
  const over = (due: Due): readonly string[] => {
    if (isOfTask(due)) return isOverClaim(state.entities.task.get(due.id)) ? [due.id] : [];
    if (due.what !== 'member') return [];
    return state
      .heldBy(due.id)
      .filter(isOverClaim)
      .map(({ taskId }) => taskId);
  };
  return countDueByNow(state, now, most, over);
}

export function tasksThatAreOver(state: PoolState, now: number, most: number): number {
  return countDueByNow(state, now, most, (due) => {
    const task = isOfTask(due) ? state.entities.task.get(due.id) : undefined;
    return task !== undefined && !isFinal(task) && isFinal(lapse(state, task, now).task) ? [due.id] : [];
  });
}

/** Of one agent, or of all. An auction is over with its task, too. */
export function openedThatAreOver(
  state: PoolState,
  kind: OpenedKind,
  { agent, now }: { readonly agent: string | undefined; readonly now: number },
  most: number,
): number {
  const ofThem = (opener: string | undefined, isEnded: boolean, id: string): readonly string[] =>
    isEnded && (agent === undefined || opener === agent) ? [id] : [];
  const over = (id: string): readonly string[] => {
    switch (kind) {
      case 'auction':
        return ofThem(state.entities.auction.get(id)?.opener, isOverAuction(state, id, now), id);
      case 'vote': {
        const vote = state.entities.vote.get(id);
        return ofThem(vote?.opener, vote?.state === 'open' && isOver(vote, now), id);
      }
      case 'negotiation': {
        const session = state.entities.negotiation.get(id);
        const isEnded = session !== undefined && session.finishedAt === undefined && isExpired(session, now);
        return ofThem(session?.opener, isEnded, id);
      }
    }
  };
  const untold = kind === 'auction' ? state.auctions.untoldIds() : [];
  return countDueByNow(
    state,
    now,
    most,
    (due) => {
      const id = openedBy(state, kind, due);
      return id === undefined ? [] : over(id);
    },
    untold.flatMap(over),
  );
}

/** What falls due with it: the thing itself, or the auction of a task. */
function openedBy(state: PoolState, kind: OpenedKind, due: Due): string | undefined {
  if (isOfTask(due)) return kind === 'auction' ? state.entities.task.get(due.id)?.auction : undefined;
  return due.what === 'entity' && due.kind === kind ? due.id : undefined;
}

function isOverAuction(state: PoolState, id: string, now: number): boolean {
  const auction = state.entities.auction.get(id);
  if (auction?.state !== 'open') return false;
  if (auction.closesAt <= now && !waitsForResume(state, auction)) return true;
  if (auction.taskId === undefined) return false;
  const task = state.entities.task.get(auction.taskId);
  return task === undefined || isFinal(lapse(state, task, now).task);
}

/** Places in the electorates of votes that are over, until there are enough. */
export function seatsThatAreOver(state: PoolState, now: number, enough: number): number {
  let seats = 0;
  for (const due of state.due.inOrder()) {
    if (due.at > now || seats >= enough) break;
    const id = openedBy(state, 'vote', due);
    const vote = id === undefined ? undefined : state.entities.vote.get(id);
    if (vote?.state === 'open' && isOver(vote, now)) seats += vote.voters.length;
  }
  return seats;
}
