import type { Task } from '../../protocol/documents.ts';
import type { HeldTask } from '../../protocol/outcome-data.ts';
import type { TaskEvent } from '../kernel/events.ts';
import type { Context } from '../kernel/handler.ts';

export type ClaimedEvent = Extract<TaskEvent, { readonly type: 'task.claimed' }>;

/** A new claim: its epoch is one higher than that of any claim of this task before. */
export function claimed(
  task: Task,
  ttlMs: number | undefined,
  { self, now }: Pick<Context, 'self' | 'now'>,
): ClaimedEvent {
  const ttl = ttlMs ?? task.constraints.claimTtlMs;
  const expiresAt = now + Math.min(ttl, task.constraints.maxRunMs ?? Number.POSITIVE_INFINITY);
  return {
    type: 'task.claimed',
    id: task.taskId,
    data: { agent: self, epoch: task.epoch + 1, expiresAt, ttlMs: ttl },
  };
}

/** Data for a claimant: everything it needs to do the task. */
export function claimedTaskData(task: Task, { data }: ClaimedEvent): HeldTask {
  return {
    taskId: task.taskId,
    objective: task.objective,
    inputs: task.inputs,
    evaluator: task.evaluator,
    topic: task.topic,
    deadline: task.deadline,
    priority: task.priority,
    constraints: task.constraints,
    submitter: task.submitter,
    attempt: task.failures + 1,
    claim: { epoch: data.epoch, expiresAt: data.expiresAt },
  };
}
