/** Guards about tasks and claims: each returns what it guards, or the rejection named after its rule. */
import {
  type ClaimedTask,
  isClaimed,
  isFinal,
  type Member,
  satisfies,
  type Task,
} from '../../protocol/documents.ts';
import { MAX_CLAIMS_AT_ONCE, MAX_CLAIMS_PER_AGENT } from '../../protocol/limits.ts';
import { type Rejected, rejected } from '../kernel/decided.ts';
import type { Context } from '../kernel/handler.ts';
import type { PoolState } from '../world/pool-state.ts';
import { claimIsLive } from './lapse.ts';

export function existingTask(state: PoolState, taskId: string): Task | Rejected {
  return (
    state.entities.task.get(taskId) ??
    rejected('task_not_found', `there is no task ${taskId} in pool ${state.doc.pool}`)
  );
}

export function alreadyFinal(task: Task): Rejected {
  return rejected('already_final', `task ${task.taskId} is ${task.state}`);
}

/** Someone has it, it waits for something, an auction gives it away, or it is over for good. */
export function notPending(task: Task): Rejected {
  const why = task.auction === undefined ? task.state : `given away by auction ${task.auction}`;
  return rejected('not_pending', `task ${task.taskId} is ${why}`, !isFinal(task));
}

/** The claim of the deciding agent, unexpired; with `epoch`, that very claim. */
export function heldTask(
  state: PoolState,
  taskId: string,
  epoch: number | undefined,
  { self, now }: Context,
): ClaimedTask | Rejected {
  const task = state.entities.task.get(taskId);
  if (task === undefined)
    return rejected('task_not_found', `there is no task ${taskId} in pool ${state.doc.pool}`);
  // A holder learns of a cancellation by `claim_lost` on its next word (docs/protocol.md, "Tasks").
  if (isFinal(task) && task.state !== 'cancelled') return alreadyFinal(task);
  const held =
    isClaimed(task) &&
    task.claim.agent === self &&
    (epoch === undefined || task.claim.epoch === epoch) &&
    claimIsLive(state, task, now);
  return held ? task : rejected('claim_lost', `${self} does not hold the current claim of task ${taskId}`);
}

/**
 * How many more claims an agent may take in a pool. Claims that are over by now do not count; they are looked at only
 * where they could make a difference.
 */
export function claimsLeft(state: PoolState, { self, now }: Pick<Context, 'self' | 'now'>): number {
  const most = Math.min(state.doc.maxClaimsPerAgent ?? MAX_CLAIMS_PER_AGENT, MAX_CLAIMS_PER_AGENT);
  const left = most - state.heldCount(self);
  if (left >= MAX_CLAIMS_AT_ONCE) return left;
  return most - state.heldBy(self).filter((task) => claimIsLive(state, task, now)).length;
}

export function claimLimitReached(state: PoolState, { self }: Context): Rejected {
  return rejected('claim_limit_reached', `${self} holds as many claims as pool ${state.doc.pool} allows`);
}

export function isCapable(member: Member, task: Task): boolean {
  return satisfies(new Set(member.capabilities), task.requiredCapabilities);
}
