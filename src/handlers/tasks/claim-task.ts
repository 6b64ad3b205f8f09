import type { DecisionOf } from '../../protocol/decisions/index.ts';
import { isClaimable } from '../../protocol/documents.ts';
import type { HeldTask } from '../../protocol/outcome-data.ts';
import { accepted, type Decided, isRejected, rejected } from '../kernel/decided.ts';
import type { Context, Handler } from '../kernel/handler.ts';
import { requireMember, workingPool } from '../pools/guards.ts';
import { claimsInQuota, tooManyClaims } from '../quotas/counts.ts';
import type { World } from '../world/world.ts';
import { claimed, claimedTaskData } from './claims.ts';
import { claimLimitReached, claimsLeft, existingTask, heldTask, isCapable, notPending } from './guards.ts';
import { lapse } from './lapse.ts';

export const claimTask: Handler<'ClaimTask'> = {
  touches: ({ taskId }) => [{ kind: 'task', id: taskId }],
  decide(world, decision, context) {
    const { taskId, claimTtlMs, epoch } = decision;
    if (epoch !== undefined) return takeUp(world, { ...decision, epoch }, context);
    const state = workingPool(world, context);
    if (isRejected(state)) return state;
    const member = requireMember(state, context);
    if (isRejected(member)) return member;
    const found = existingTask(state, taskId);
    if (isRejected(found)) return found;
    const { task, events } = lapse(state, found, context.now);
    if (!isClaimable(task)) return notPending(task);
    if (!isCapable(member, task)) {
      return rejected(
        'missing_capability',
        `${context.self} lacks a capability that task ${taskId} requires`,
      );
    }
    if (claimsLeft(state, context) <= 0) return claimLimitReached(state, context);
    if (claimsInQuota(world, state, context) <= 0) return tooManyClaims(world, state, context);
    const claim = claimed(task, claimTtlMs, context);
    return accepted([...events, claim], claimedTaskData(task, claim));
  },
};

/**
 * The holder claims what it holds already, as an agent that was restarted does with the claims of its earlier process: from
 * here on only who knows the new epoch can renew or report it.
 */
function takeUp(
  world: World,
  { taskId, claimTtlMs, epoch }: DecisionOf<'ClaimTask'> & { readonly epoch: number },
  context: Context,
): Decided<HeldTask> {
  const state = workingPool(world, context);
  if (isRejected(state)) return state;
  const task = heldTask(state, taskId, epoch, context);
  if (isRejected(task)) return task;
  const { agent, ttlMs } = task.claim;
  const data = { agent, epoch, why: 'taken_up' } as const;
  const claim = claimed(task, claimTtlMs ?? ttlMs, context);
  return accepted([{ type: 'task.released', id: taskId, data }, claim], claimedTaskData(task, claim));
}
