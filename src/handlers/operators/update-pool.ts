import { accepted, isRejected, rejected } from '../decided.ts';
import type { Handler } from '../handler.ts';
import { operatedPool, owns } from '../pools/guards.ts';

/** Who operates a pool is its owner's to say: an operator cannot make others, nor keep the owner from unmaking it. */
export const updatePool: Handler<'UpdatePool'> = {
  type: 'UpdatePool',
  decide(world, { operators, quotas }, context) {
    const state = operatedPool(world, context);
    if (isRejected(state)) return state;
    const { pool, self } = context;
    if (operators !== undefined && !owns(state, self)) {
      return rejected('not_allowed', `who operates pool ${pool} is ${state.doc.owner}'s to say`);
    }
    const data = {
      ...(operators === undefined ? {} : { operators }),
      ...(quotas === undefined ? {} : { quotas }),
    };
    return accepted([{ type: 'pool.updated', id: pool, data }]);
  },
};
