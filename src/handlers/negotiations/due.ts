import { isLive, latestProposal, type Negotiation } from '../../protocol/negotiations.ts';
import type { DomainEvent } from '../kernel/events.ts';
import type { PoolState } from '../world/pool-state.ts';
import { missingFrom } from './proposals.ts';

/** A session is over at its deadline, whether or not the sweep has run. */
export function isExpired({ deadline = Number.POSITIVE_INFINITY }: Negotiation, now: number): boolean {
  return deadline <= now;
}

/** The effects of time on it, at or after its `dueAt`. */
export function lapseNegotiation(
  _state: PoolState,
  session: Negotiation,
  now: number,
): readonly DomainEvent[] {
  if (!isLive(session) || !isExpired(session, now)) return [];
  const latest = latestProposal(session);
  const missing = missingFrom(session.participants, latest);
  const { proposalId } = latest;
  return [{ type: 'negotiation.expired', id: session.id, data: { proposalId, missing } }];
}
