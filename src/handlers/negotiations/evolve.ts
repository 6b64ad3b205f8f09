import { defined } from '../../protocol/defined.ts';
import {
  isLive,
  type LiveNegotiation,
  latestProposal,
  type Negotiation,
  type Proposal,
} from '../../protocol/negotiations.ts';
import type { NegotiationEvent, NegotiationOpenedData } from './events.ts';
import { roomFor } from './proposals.ts';

/**
 * Returns the session after an event; undefined when it is removed. Throws if the event does not fit the state that
 * it finds: decide must not have let that happen.
 */
export function evolveNegotiation(
  session: Negotiation | undefined,
  event: NegotiationEvent,
  pool: string,
  now: number,
): Negotiation | undefined {
  if (event.type === 'negotiation.opened') return opened(event.id, event.data, pool, now);
  if (event.type === 'negotiation.removed') return undefined;
  if (session === undefined || !isLive(session)) {
    throw new Error(`${event.type} of session ${event.id}, which is ${session?.state ?? 'unknown'}`);
  }
  switch (event.type) {
    case 'negotiation.countered': {
      const { proposalId, proposer, content } = event.data;
      const proposal = { proposalId, proposer, content, proposedAt: now, acceptedBy: [proposer] };
      const bytes = session.bytes + roomFor(session.participants, content);
      return { ...session, state: 'countered', proposals: [...session.proposals, proposal], bytes };
    }
    case 'negotiation.accepted_by':
      return { ...session, proposals: accepted(session, event.data.participant) };
    case 'negotiation.accepted':
      return { ...ended(session, now), state: 'accepted' };
    case 'negotiation.rejected': {
      const { by, reason } = event.data;
      const why = defined({ reason });
      return { ...ended(session, now), state: 'rejected', rejectedBy: by, ...why };
    }
    case 'negotiation.expired':
      return { ...ended(session, now), state: 'expired' };
  }
}

function opened(id: string, data: NegotiationOpenedData, pool: string, now: number): LiveNegotiation {
  const { opener, participants, proposalId, proposal, deadline, order, origin } = data;
  return {
    kind: 'negotiation',
    pool,
    id,
    state: 'proposed',
    order,
    openedAt: now,
    origin,
    ...(deadline === undefined ? {} : { deadline, dueAt: deadline }),
    opener,
    participants,
    proposals: [{ proposalId, proposer: opener, content: proposal, proposedAt: now, acceptedBy: [opener] }],
    bytes: roomFor(participants, proposal),
  };
}

function accepted(session: LiveNegotiation, participant: string): readonly Proposal[] {
  const latest = latestProposal(session);
  const acceptedBy = [...latest.acceptedBy, participant];
  return [...session.proposals.slice(0, -1), { ...latest, acceptedBy }];
}

/** An ended one is no longer due. */
function ended(
  session: LiveNegotiation,
  now: number,
): Omit<LiveNegotiation, 'state'> & { finishedAt: number } {
  const { state: _, dueAt: _due, ...rest } = session;
  return { ...rest, finishedAt: now };
}
