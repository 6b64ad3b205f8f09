/** The consequences for an auction of the events of its task. */
import type { Cause } from '../../protocol/marks.ts';
import type { DomainEvent } from '../kernel/events.ts';
import type { PoolState } from '../world/pool-state.ts';
import { award, taskEnded } from './award.ts';
import { goesToTheNext } from './live-auctions.ts';

/**
 * For the first auction that has to be told: the lot of a winner that gave the task back unstarted goes to the next
 * bidder; once a winner has started, and when the task has ended, the award stands. Empty when none has to be told.
 */
export function nextHandover(state: PoolState, now: number): readonly DomainEvent[] {
  const auction = state.auctions.firstUntold();
  if (auction?.taskId === undefined) return [];
  if (auction.state === 'open') return [taskEnded(auction)];
  const task = state.entities.task.get(auction.taskId);
  if (goesToTheNext(auction, task)) return award(state, auction, now);
  return [{ type: 'auction.settled', id: auction.id, data: {} }];
}

/** What gave its task back or ended it; after a pause in which it waited, what ended the pause. */
export function causeOfHandover(state: PoolState): Cause | undefined {
  const taskId = state.auctions.firstUntold()?.taskId;
  const given = taskId === undefined ? undefined : state.entities.task.get(taskId)?.because;
  const { because } = state.doc;
  return given === undefined || (because !== undefined && because.place > given.place) ? because : given;
}
