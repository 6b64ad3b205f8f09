import type { Pool, Task } from '../../protocol/documents.ts';
import { DEFAULT_HANDING_OVER } from '../../protocol/limits.ts';
import type { Offer } from '../../protocol/offers.ts';
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

/** A claim that its agent has not asked for just now: it has to show that it has begun before the first lease is over. */
export function handedOver(task: Task, offer: Offer, pool: Pool, now: number): ClaimedEvent {
  const { claimTtlMs, maxRunMs } = task.constraints;
  const ttlMs = offer.claimTtlMs ?? claimTtlMs;
  const expiresAt = Math.min(
    now + Math.min(startWithin(pool), ttlMs, maxRunMs ?? Number.POSITIVE_INFINITY),
    task.deadline ?? Number.POSITIVE_INFINITY,
  );
  const data = { agent: offer.agent, epoch: task.epoch + 1, expiresAt, ttlMs, offer: offer.offer };
  return { type: 'task.claimed', id: task.taskId, data };
}

function startWithin({ startWithinMs }: Pool): number {
  return startWithinMs ?? DEFAULT_HANDING_OVER.startWithinMs;
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
