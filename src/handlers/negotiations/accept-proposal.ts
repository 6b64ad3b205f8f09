import { type LiveNegotiation, latestProposal } from '../../protocol/negotiations.ts';
import { acceptOffer, isAgreed } from '../../rules/index.ts';
import { accepted, isRejected, type Rejected, rejected } from '../kernel/decided.ts';
import type { Context, Handler } from '../kernel/handler.ts';
import type { NegotiationEvent } from './events.ts';
import { sessionToSpeakIn } from './guards.ts';
import { missingFrom } from './proposals.ts';

/** Agreed when everyone has accepted the same, latest offer. Accepting it twice is accepted, and changes nothing. */
export const acceptProposal: Handler<'AcceptProposal'> = {
  touches: ({ sessionId }) => [{ kind: 'negotiation', id: sessionId }],
  decide(world, { sessionId, proposalId }, context) {
    const session = sessionToSpeakIn(world, sessionId, context);
    if (isRejected(session)) return session;
    if (!session.proposals.some((proposal) => proposal.proposalId === proposalId))
      return rejected('proposal_not_found', `there is no proposal ${proposalId} in session ${sessionId}`);
    const { participants } = session;
    const latest = latestProposal(session);
    const answer = acceptOffer(participants, latest, context.self, proposalId);
    if (!answer.accepted) return refusal(answer.code, session, context);
    const { offer } = answer;
    const missing = missingFrom(participants, offer);
    const events: NegotiationEvent[] = [];
    if (!latest.acceptedBy.includes(context.self)) {
      const data = { proposalId, participant: context.self, missing };
      events.push({ type: 'negotiation.accepted_by', id: sessionId, data });
    }
    if (!isAgreed(participants, offer))
      return accepted(events, { sessionId, proposalId, state: session.state, missing });
    events.push({ type: 'negotiation.accepted', id: sessionId, data: { proposalId } });
    return accepted(events, { sessionId, proposalId, state: 'accepted', missing });
  },
};

function refusal(
  code: 'not_a_participant' | 'stale_proposal' | 'own_proposal',
  session: LiveNegotiation,
  { self }: Context,
): Rejected {
  const { proposalId, proposer } = latestProposal(session);
  switch (code) {
    case 'not_a_participant':
      return rejected(code, `${self} is not a participant of session ${session.id}`);
    case 'stale_proposal':
      return rejected(code, `the latest proposal of session ${session.id} is ${proposalId}, by ${proposer}`);
    case 'own_proposal':
      return rejected(code, `${proposalId} is ${self}'s own proposal, which ${self} accepted by making it`);
  }
}
