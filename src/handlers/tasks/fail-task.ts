import type { ClaimedTask, LiveTask } from '../../protocol/documents.ts';
import { isClaimed, isFinal } from '../../protocol/documents.ts';
import { MAX_DURATION_MS } from '../../protocol/limits.ts';
import { accepted, isRejected } from '../kernel/decided.ts';
import type { TaskEvent } from '../kernel/events.ts';
import type { Context, Handler } from '../kernel/handler.ts';
import { existingPool, operates } from '../pools/guards.ts';
import { alreadyFinal, existingTask, heldTask } from './guards.ts';
import { lapse } from './lapse.ts';

/** The holder's failure is one attempt of several; the submitter's or an operator's word is the end. */
export const failTask: Handler<'FailTask'> = {
  touches: ({ taskId }) => [{ kind: 'task', id: taskId }],
  decide(world, { taskId, epoch, reason, retryable }, context) {
    const state = existingPool(world, context);
    if (isRejected(state)) return state;
    const held = heldTask(state, taskId, epoch, context);
    if (!isRejected(held))
      return accepted([holderFails(held, reason, retryable ?? true, context)], retriesLeft(held));
    const task = existingTask(state, taskId);
    const { self } = context;
    const isMaster = !isRejected(task) && (task.submitter === self || operates(state, self));
    // A decision with an epoch is the holder's. Without one, the agent's own ended claim does not count: a sweep may have run.
    if (isRejected(task) || !isMaster || epoch !== undefined) return held;
    const { task: current, events } = lapse(state, task, context.now);
    if (isFinal(current)) return alreadyFinal(current);
    return accepted([...events, failed(current, reason, context)]);
  },
};

function holderFails(task: ClaimedTask, reason: string, retryable: boolean, context: Context): TaskEvent {
  const failures = task.failures + 1;
  if (!retryable || failures >= task.constraints.maxAttempts) return failed(task, reason, context);
  const { agent, epoch } = task.claim;
  const readyAt = context.now + backoff(task.constraints.backoffMs, failures);
  return { type: 'task.retried', id: task.taskId, data: { agent, epoch, reason, failures, readyAt } };
}

/** Doubles with every failure: what fails because something else is busy needs longer each time. */
function backoff(backoffMs: number, failures: number): number {
  return Math.min(backoffMs * 2 ** (failures - 1), MAX_DURATION_MS);
}

function failed(task: LiveTask, reason: string, { self }: Context): TaskEvent {
  const claim = isClaimed(task) ? { agent: task.claim.agent, epoch: task.claim.epoch } : {};
  return { type: 'task.failed', id: task.taskId, data: { cause: 'failed', reason, by: self, ...claim } };
}

function retriesLeft(task: ClaimedTask): { readonly failures: number; readonly maxAttempts: number } {
  return { failures: task.failures + 1, maxAttempts: task.constraints.maxAttempts };
}
