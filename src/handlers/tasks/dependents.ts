import { type FinalTask, isFinal } from '../../protocol/documents.ts';
import { SYSTEM } from '../../protocol/names.ts';
import type { TaskEvent } from '../kernel/events.ts';
import { endedBefore } from '../world/dependents.ts';
import type { PoolState } from '../world/pool-state.ts';

/**
 * The consequence of the end of a task for its first dependent: free when all its dependencies completed,
 * cancelled when one did not. Undefined when nobody waits any more. Of several tasks that ended the earliest comes first.
 */
export function nextDependent(state: PoolState, now: number): TaskEvent | undefined {
  const parent = state.dependents.unsettled.peek();
  const dependent = parent && state.dependents.firstOf(parent.taskId);
  if (parent === undefined || dependent === undefined) return undefined;
  const id = dependent.taskId;
  if (parent.state !== 'completed') {
    return cancelledWith(parent, id);
  }
  if (dependent.waitingFor.length > 1) {
    return { type: 'task.dependency_completed', id, data: { dependency: parent.taskId } };
  }
  const isEarly = (dependent.notBefore ?? 0) > now;
  return { type: 'task.unblocked', id, data: { state: isEarly ? 'scheduled' : 'pending' } };
}

/** A task that will never be free: one that it waits for ended without having completed. */
export function cancelledWith(parent: FinalTask, id: string): TaskEvent {
  const reason = `task ${parent.taskId} is ${parent.state}`;
  return { type: 'task.cancelled', id, data: { cause: 'dependency_failed', reason, by: SYSTEM } };
}

/** Of some tasks the one that ended first without having completed. */
export function firstOfFailed(state: PoolState, taskIds: readonly string[]): FinalTask | undefined {
  let first: FinalTask | undefined;
  for (const id of taskIds) {
    const task = state.entities.task.get(id);
    if (task === undefined || !isFinal(task) || task.state === 'completed') continue;
    if (first === undefined || endedBefore(task, first)) first = task;
  }
  return first;
}
