import { defined } from '../../protocol/defined.ts';
import { isClaimed, isFinal } from '../../protocol/documents.ts';
import { accepted, isRejected, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { existingPool, operates } from '../pools/guards.ts';
import { alreadyFinal, existingTask } from './guards.ts';
import { lapse } from './lapse.ts';

export const cancelTask: Handler<'CancelTask'> = {
  touches: ({ taskId }) => [{ kind: 'task', id: taskId }],
  decide(world, { taskId, reason }, context) {
    const state = existingPool(world, context);
    if (isRejected(state)) return state;
    const found = existingTask(state, taskId);
    if (isRejected(found)) return found;
    const { self, now } = context;
    if (found.submitter !== self && !operates(state, self)) {
      return rejected('not_allowed', `${self} may not cancel task ${taskId}`);
    }
    const { task, events } = lapse(state, found, now);
    if (isFinal(task)) return alreadyFinal(task);
    const claim = isClaimed(task) ? { agent: task.claim.agent, epoch: task.claim.epoch } : {};
    const why = defined({ reason });
    const data = { cause: 'cancelled', by: self, ...why, ...claim } as const;
    return accepted([...events, { type: 'task.cancelled', id: taskId, data }]);
  },
};
