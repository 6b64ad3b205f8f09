import { accepted, isRejected, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { operatedPool } from '../pools/guards.ts';

export const resumePool: Handler<'ResumePool'> = {
  decide(world, _decision, context) {
    const state = operatedPool(world, context);
    if (isRejected(state)) return state;
    const { pool } = context;
    if (state.doc.pausedAt === undefined) return rejected('not_paused', `pool ${pool} is not paused`);
    return accepted([{ type: 'pool.resumed', id: pool, data: {} }]);
  },
};
