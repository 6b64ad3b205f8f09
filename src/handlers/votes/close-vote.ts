import { accepted, isRejected, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { closing, verdict } from './count.ts';
import { openVoteOf } from './guards.ts';

/** The opener need not wait: what was cast by now is counted. */
export const closeVote: Handler<'CloseVote'> = {
  touches: ({ voteId }) => [{ kind: 'vote', id: voteId }],
  decide(world, { voteId }, context) {
    const found = openVoteOf(world, voteId, context);
    if (isRejected(found)) return found;
    if (found.opener !== context.self)
      return rejected('not_allowed', `only ${found.opener} may close vote ${voteId}`);
    const closed = closing(found, 'opener');
    return accepted([closed], { voteId, ...verdict(closed.data) });
  },
};
