import { accepted, isRejected, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { openPool } from './guards.ts';

/**
 * From here on nothing is submitted or claimed. Claimed tasks can be finished; all other tasks end at once, and
 * that they are cancelled follows in bounded steps. When nothing is left the pool is removed, a retention later.
 */
export const closePool: Handler<'ClosePool'> = {
  decide(world, _decision, context) {
    const state = openPool(world, context);
    if (isRejected(state)) return state;
    if (state.doc.owner !== context.self) {
      return rejected('not_allowed', `pool ${context.pool} belongs to ${state.doc.owner}`);
    }
    return accepted([{ type: 'pool.closed', id: context.pool, data: {} }]);
  },
};
