import type { Task } from '../../protocol/documents.ts';
import type { Json } from '../../protocol/json.ts';
import type { TaskEvent } from '../events.ts';
import type { Context } from '../handler.ts';

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

/** What a claimant is told: all it needs to do the task. */
export function claimedTaskData(task: Task, { data }: ClaimedEvent): { readonly [member: string]: Json } {
  return {
    taskId: task.taskId,
    objective: task.objective,
    ...(task.inputs === undefined ? {} : { inputs: task.inputs }),
    ...(task.evaluator === undefined ? {} : { evaluator: task.evaluator }),
    ...(task.topic === undefined ? {} : { topic: task.topic }),
    ...(task.deadline === undefined ? {} : { deadline: task.deadline }),
    priority: task.priority,
    constraints: definedOnly(task.constraints),
    submitter: task.submitter,
    attempt: task.failures + 1,
    claim: { epoch: data.epoch, expiresAt: data.expiresAt },
  };
}

function definedOnly(values: { readonly [name: string]: string | number | boolean | undefined }): {
  readonly [name: string]: string | number | boolean;
} {
  const defined: { [name: string]: string | number | boolean } = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) defined[name] = value;
  return defined;
}
