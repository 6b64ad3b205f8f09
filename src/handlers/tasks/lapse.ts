/** What time alone does to a task. Asked by the sweep, and by every decision that meets a task the sweep has not. */
import { type ClaimedTask, isClaimed, isFinal, type Task } from '../../protocol/documents.ts';
import { SYSTEM } from '../../protocol/names.ts';
import type { TaskEvent } from '../events.ts';
import { presenceLapsed } from '../pools/guards.ts';
import type { PoolState } from '../world/pool-state.ts';
import { evolveTask } from './evolve.ts';

export interface Lapsed {
  readonly events: readonly TaskEvent[];
  /** The task as it is after them. */
  readonly task: Task;
}

/** A claim is over at `expiresAt`, at the deadline of its task, and when its holder's presence lapses. */
export function claimIsLive(state: PoolState, task: ClaimedTask, now: number): boolean {
  if (task.claim.expiresAt <= now || (task.deadline ?? Number.POSITIVE_INFINITY) <= now) return false;
  const holder = state.members.get(task.claim.agent);
  return holder === undefined || !presenceLapsed(holder, now);
}

export function lapse(state: PoolState, task: Task, now: number): Lapsed {
  const events = isFinal(task) ? [] : lapseEvents(state, task, now);
  const lapsed = events.reduce<Task>(
    (before, event) => evolveTask(before, event, before.pool, now) ?? before,
    task,
  );
  return { events, task: lapsed };
}

function lapseEvents(state: PoolState, task: Task, now: number): TaskEvent[] {
  const events: TaskEvent[] = [];
  let held = isClaimed(task) ? task.claim : undefined;
  if (isClaimed(task) && task.claim.expiresAt <= now) {
    const { agent, epoch } = task.claim;
    const expiries = task.expiries + 1;
    held = undefined;
    events.push({ type: 'task.expired', id: task.taskId, data: { agent, epoch, expiries } });
    if (expiries >= task.constraints.maxExpiries) {
      events.push({ type: 'task.failed', id: task.taskId, data: { cause: 'abandoned', by: SYSTEM } });
      return events;
    }
  }
  if ((task.deadline ?? Number.POSITIVE_INFINITY) <= now) {
    const claim = held === undefined ? {} : { agent: held.agent, epoch: held.epoch };
    events.push({
      type: 'task.failed',
      id: task.taskId,
      data: { cause: 'deadline_passed', by: SYSTEM, ...claim },
    });
  } else if (task.state === 'scheduled' && task.readyAt <= now) {
    events.push({ type: 'task.unblocked', id: task.taskId, data: { state: 'pending' } });
  } else if (isClaimed(task) && held !== undefined && !claimIsLive(state, task, now)) {
    const { agent, epoch } = held;
    events.push({ type: 'task.released', id: task.taskId, data: { agent, epoch, why: 'absent' } });
  }
  return events;
}
