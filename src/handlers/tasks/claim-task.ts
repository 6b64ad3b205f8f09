import { isClaimable } from '../../protocol/documents.ts';
import { accepted, isRejected, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { requireMember, workingPool } from '../pools/guards.ts';
import { claimsInQuota, tooManyClaims } from '../quotas/counts.ts';
import { claimed, claimedTaskData } from './claims.ts';
import { claimLimitReached, claimsLeft, existingTask, isCapable, notPending } from './guards.ts';
import { lapse } from './lapse.ts';

export const claimTask: Handler<'ClaimTask'> = {
  touches: ({ taskId }) => [{ kind: 'task', id: taskId }],
  decide(world, { taskId, claimTtlMs }, context) {
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
