import { type FinalTask, isFinal, type Task } from '../../protocol/documents.ts';
import { SYSTEM } from '../../protocol/names.ts';
import type { TaskEvent } from '../events.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { AppliedEvent, World } from '../world/world.ts';

/** Tells dependents of tasks that ended, and theirs, up to a bound; what is left falls due for the sweep. */
export function settleDependents(world: World, pool: string, now: number, most: number): AppliedEvent[] {
  const events: AppliedEvent[] = [];
  const state = world.pool(pool);
  while (state !== undefined && state.unsettled.size > 0 && events.length < most) {
    const event = settleNextDependent(state, now);
    if (event === undefined) break;
    events.push(world.apply(pool, event, now));
  }
  return events;
}

/**
 * What the end of a task means for the first of those that wait for it: free when all its dependencies completed,
 * cancelled when one did not. Undefined when nobody waits any more.
 */
export function settleNextDependent(state: PoolState, now: number): TaskEvent | undefined {
  const parent = firstUnsettled(state);
  const dependent = parent && state.firstDependentOf(parent.taskId);
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
    const task = state.tasks.get(id);
    if (task === undefined || !isFinal(task) || task.state === 'completed') continue;
    if (first === undefined || endedBefore(task, first)) first = task;
  }
  return first;
}

/** The task that ended first, of those whose dependents have not all been told. */
function firstUnsettled(state: PoolState): FinalTask | undefined {
  let first: FinalTask | undefined;
  for (const id of state.unsettled) {
    const task: Task | undefined = state.tasks.get(id);
    if (task === undefined || !isFinal(task)) continue;
    if (first === undefined || endedBefore(task, first)) first = task;
  }
  return first;
}

function endedBefore(a: FinalTask, b: FinalTask): boolean {
  return a.finishedAt !== b.finishedAt ? a.finishedAt < b.finishedAt : a.taskId < b.taskId;
}
