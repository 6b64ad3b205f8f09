import { isClaimed, isFinal } from '../../protocol/documents.ts';
import { accepted, isRejected, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { operatedPool } from '../pools/guards.ts';
import { withReason } from '../pools/membership.ts';
import { alreadyFinal, existingTask } from '../tasks/guards.ts';
import { claimIsLive } from '../tasks/lapse.ts';

/**
 * Takes a claim from its holder: the task goes back to pending, and its failures and expiries are as before. A decision
 * of its own, because a ReleaseTask that comes too late must not take the claim of the next holder.
 */
export const forceRelease: Handler<'ForceRelease'> = {
  touches: ({ taskId }) => [{ kind: 'task', id: taskId }],
  decide(world, { taskId, epoch, reason }, context) {
    const state = operatedPool(world, context);
    if (isRejected(state)) return state;
    const task = existingTask(state, taskId);
    if (isRejected(task)) return task;
    if (isFinal(task)) return alreadyFinal(task);
    const isHeld = isClaimed(task) && claimIsLive(state, task, context.now);
    if (!isHeld || (epoch !== undefined && epoch !== task.claim.epoch)) {
      return rejected('claim_lost', `no agent holds that claim of task ${taskId}`);
    }
    const claim = { agent: task.claim.agent, epoch: task.claim.epoch };
    const data = { ...claim, why: 'forced', ...withReason(reason) } as const;
    return accepted([{ type: 'task.released', id: taskId, data }], claim);
  },
};
