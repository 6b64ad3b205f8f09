/** The effects of time on a task. Used by the sweep, and by every decision on a task that the sweep has not reached. */
import {
  type Claim,
  type ClaimedTask,
  isClaimed,
  isFinal,
  type LiveTask,
  presenceEnds,
  type Task,
} from '../../protocol/documents.ts';
import type { Fence } from '../../protocol/marks.ts';
import { SYSTEM } from '../../protocol/names.ts';
import type { TaskEvent } from '../kernel/events.ts';
import type { PoolState } from '../world/pool-state.ts';
import { evolveTask } from './evolve.ts';

export interface Lapsed {
  readonly events: readonly TaskEvent[];
  /** The task as it is after them. */
  readonly task: Task;
}

/** A claim is over at `expiresAt`, at the deadline of its task, and when the stay of its holder in the pool ends. */
export function claimIsLive(state: PoolState, task: ClaimedTask, now: number): boolean {
  const { claim, deadline = Number.POSITIVE_INFINITY } = task;
  return now < Math.min(claim.expiresAt, deadline, endOfStay(state, claim).at);
}

/**
 * When and why the stay ends, or has ended, under which a claim was made. What an agent claims in `commons` after it fell
 * silent, it claims as anyone may.
 */
function endOfStay(state: PoolState, claim: Claim): Pick<Fence, 'at' | 'why'> {
  const ends = presenceEnds(state.members.get(claim.agent)) ?? Number.POSITIVE_INFINITY;
  const silent = claim.claimedAt < ends ? ends : Number.POSITIVE_INFINITY;
  const fence = state.fenceOf(claim.agent, { order: claim.order, at: claim.claimedAt });
  return fence !== undefined && fence.at < silent ? fence : { at: silent, why: 'absent' };
}

/** Only a claim keeps its place, and time makes none. */
const NO_PLACE = 0;

export function lapse(state: PoolState, task: Task, now: number): Lapsed {
  const events = isFinal(task) ? [] : lapseEvents(state, task, now);
  const lapsed = events.reduce<Task>(
    (before, event) => evolveTask(before, event, before.pool, now, NO_PLACE) ?? before,
    task,
  );
  return { events, task: lapsed };
}

/** The first event in time counts, so that a task ends the same whether it is processed early or late. */
function lapseEvents(state: PoolState, task: LiveTask, now: number): TaskEvent[] {
  const deadline = task.deadline ?? Number.POSITIVE_INFINITY;
  const events = isClaimed(task) ? endOfClaim(state, task, Math.min(now, deadline)) : [];
  if (events.at(-1)?.type === 'task.failed') return events;
  const isHeld = isClaimed(task) && events.length === 0;
  const { closedAt } = state.doc;
  if (closedAt !== undefined && closedAt < deadline && !isHeld) {
    // Nobody can claim it any more, from the moment on in which nobody holds it.
    events.push({ type: 'task.cancelled', id: task.taskId, data: { cause: 'pool_closed', by: SYSTEM } });
  } else if (deadline <= now) {
    const claim =
      isClaimed(task) && events.length === 0 ? { agent: task.claim.agent, epoch: task.claim.epoch } : {};
    events.push({
      type: 'task.failed',
      id: task.taskId,
      data: { cause: 'deadline_passed', by: SYSTEM, ...claim },
    });
  } else if (task.state === 'scheduled' && task.readyAt <= now) {
    events.push({ type: 'task.unblocked', id: task.taskId, data: { state: 'pending' } });
  }
  return events;
}

function endOfClaim(state: PoolState, task: ClaimedTask, until: number): TaskEvent[] {
  const { agent, epoch, expiresAt } = task.claim;
  const { at, why } = endOfStay(state, task.claim);
  if (Math.min(expiresAt, at) > until) return [];
  const id = task.taskId;
  if (at < expiresAt) return [{ type: 'task.released', id, data: { agent, epoch, why } }];
  const { claim, constraints, deadline = Number.POSITIVE_INFINITY } = task;
  // At its deadline it ends as one that was begun would: there was no time left to begin in.
  if (claim.unstarted === true && expiresAt >= deadline) return [];
  if (claim.unstarted === true) {
    const unstarted = (task.unstarted ?? 0) + 1;
    const handOver = unstarted >= constraints.maxUnstarted ? ({ handOver: false } as const) : {};
    const data = { agent, epoch, why: 'not_started', unstarted, ...handOver } as const;
    return [{ type: 'task.released', id, data }];
  }
  const expiries = task.expiries + 1;
  const expired: TaskEvent = { type: 'task.expired', id, data: { agent, epoch, expiries } };
  return expiries < task.constraints.maxExpiries
    ? [expired]
    : [expired, { type: 'task.failed', id, data: { cause: 'abandoned', by: SYSTEM } }];
}
