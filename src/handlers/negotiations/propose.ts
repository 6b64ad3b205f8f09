import { makeOffer } from '../../rules/index.ts';
import { accepted, isRejected, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { historyIsFull, sessionToSpeakIn } from './guards.ts';
import { nextProposalId } from './proposals.ts';

/** Any participant may put another offer on the table, also the one whose offer lies there: that is no answer to it. */
export const propose: Handler<'Propose'> = {
  touches: ({ sessionId }) => [{ kind: 'negotiation', id: sessionId }],
  decide(world, { sessionId, content }, context) {
    const session = sessionToSpeakIn(world, sessionId, context);
    if (isRejected(session)) return session;
    const full = historyIsFull(session, content);
    if (full !== undefined) return full;
    const answer = makeOffer(session.participants, context.self, nextProposalId(session));
    if (!answer.accepted) return rejected(answer.code, `session ${sessionId}`);
    const { proposalId, proposer } = answer.offer;
    return accepted(
      [{ type: 'negotiation.countered', id: sessionId, data: { proposalId, proposer, content } }],
      { sessionId, proposalId, state: 'countered' },
    );
  },
};
