import { accepted, isRejected, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { operatedPool } from '../pools/guards.ts';
import { withReason } from '../pools/membership.ts';

/** From here on nothing new is submitted, opened or claimed. Work under way continues to its end. */
export const pausePool: Handler<'PausePool'> = {
  decide(world, { reason }, context) {
    const state = operatedPool(world, context);
    if (isRejected(state)) return state;
    const { pool } = context;
    if (state.doc.state === 'closed') return rejected('pool_closed', `pool ${pool} is closed`);
    if (state.doc.pausedAt !== undefined) return rejected('pool_paused', `pool ${pool} is already paused`);
    return accepted([{ type: 'pool.paused', id: pool, data: withReason(reason) }]);
  },
};
