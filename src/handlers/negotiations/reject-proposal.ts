import { defined } from '../../protocol/defined.ts';
import { latestProposal } from '../../protocol/negotiations.ts';
import { accepted, isRejected, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { sessionToSpeakIn } from './guards.ts';

/** Rejecting the latest proposal ends the session. Its proposer cannot reject it, only make another. */
export const rejectProposal: Handler<'RejectProposal'> = {
  touches: ({ sessionId }) => [{ kind: 'negotiation', id: sessionId }],
  decide(world, { sessionId, reason }, context) {
    const session = sessionToSpeakIn(world, sessionId, context);
    if (isRejected(session)) return session;
    const { proposalId, proposer } = latestProposal(session);
    const by = context.self;
    if (proposer === by) return rejected('own_proposal', `${proposalId} is ${by}'s own proposal`);
    const data = { proposalId, by, ...defined({ reason }) };
    return accepted([{ type: 'negotiation.rejected', id: sessionId, data }], {
      sessionId,
      proposalId,
      state: 'rejected',
    });
  },
};
