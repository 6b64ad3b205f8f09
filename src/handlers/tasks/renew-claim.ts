import { defined } from '../../protocol/defined.ts';
import { accepted, isRejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { existingPool } from '../pools/guards.ts';
import { heldTask } from './guards.ts';

export const renewClaim: Handler<'RenewClaim'> = {
  touches: ({ taskId }) => [{ kind: 'task', id: taskId }],
  decide(world, { taskId, epoch, progress, note }, context) {
    const state = existingPool(world, context);
    if (isRejected(state)) return state;
    const task = heldTask(state, taskId, epoch, context);
    if (isRejected(task)) return task;
    const { claim, constraints } = task;
    const end = claim.claimedAt + (constraints.maxRunMs ?? Number.POSITIVE_INFINITY);
    const expiresAt = Math.min(context.now + claim.ttlMs, end);
    const data = {
      agent: claim.agent,
      epoch: claim.epoch,
      expiresAt,
      ...defined({ progress, note }),
    };
    return accepted([{ type: 'task.renewed', id: taskId, data }], { epoch: claim.epoch, expiresAt });
  },
};
