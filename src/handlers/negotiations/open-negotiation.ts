import { defined } from '../../protocol/defined.ts';
import { MAX_BATCH } from '../../protocol/limits.ts';
import { accepted, isRejected, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { poolToOpenIn, strangerAmong } from '../pools/guards.ts';
import { tooManyOpen } from '../quotas/counts.ts';
import { requireParticipant } from './guards.ts';
import { nextProposalId } from './proposals.ts';

/** The opener makes the first offer, so it is one of those who have to agree. */
export const openNegotiation: Handler<'OpenNegotiation'> = {
  touches: ({ sessionId }) => [{ kind: 'negotiation', id: sessionId }],
  decide(world, { sessionId, participants, proposal, deadline }, context) {
    const state = poolToOpenIn(world, context);
    if (isRejected(state)) return state;
    if (state.entities.negotiation.has(sessionId))
      return rejected('session_exists', `session ${sessionId} already exists`);
    const stranger =
      requireParticipant(participants, sessionId, context) ?? strangerAmong(state, participants, context.now);
    if (stranger !== undefined) return stranger;
    const { self, agent, decisionId, now, seq, index } = context;
    if (deadline !== undefined && deadline <= now)
      return rejected('deadline_passed', `the deadline of session ${sessionId} has passed`);
    const full = tooManyOpen(world, state, 'negotiation', context);
    if (full !== undefined) return full;
    const proposalId = nextProposalId({ proposals: [] });
    const data = {
      opener: self,
      participants,
      proposalId,
      proposal,
      ...defined({ deadline }),
      order: seq * (MAX_BATCH + 1) + index,
      origin: { agent, decisionId },
    };
    return accepted([{ type: 'negotiation.opened', id: sessionId, data }], {
      sessionId,
      proposalId,
      state: 'proposed',
    });
  },
};
