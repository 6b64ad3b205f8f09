import { accepted, isRejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { existingPool } from '../pools/guards.ts';
import { heldTask } from './guards.ts';

export const reportTask: Handler<'ReportTask'> = {
  touches: ({ taskId }) => [{ kind: 'task', id: taskId }],
  decide(world, { taskId, epoch, result }, context) {
    const state = existingPool(world, context);
    if (isRejected(state)) return state;
    const task = heldTask(state, taskId, epoch, context);
    if (isRejected(task)) return task;
    const { agent, epoch: held } = task.claim;
    return accepted([{ type: 'task.completed', id: taskId, data: { agent, epoch: held, result } }]);
  },
};
