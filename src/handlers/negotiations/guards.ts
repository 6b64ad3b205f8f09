/** Guards about negotiations: each returns what it guards, or the rejection named after its rule. */
import { MAX_PROPOSALS, MAX_SESSION_BYTES } from '../../protocol/limits.ts';
import { isLive, type LiveNegotiation } from '../../protocol/negotiations.ts';
import { isRejected, type Rejected, rejected } from '../kernel/decided.ts';
import type { Context } from '../kernel/handler.ts';
import { existingPool } from '../pools/guards.ts';
import type { World } from '../world/world.ts';
import { isExpired } from './due.ts';
import { roomFor } from './proposals.ts';

/** A session that is still open at this moment, and in which the deciding agent may speak. */
export function sessionToSpeakIn(
  world: World,
  sessionId: string,
  context: Context,
): LiveNegotiation | Rejected {
  const state = existingPool(world, context);
  if (isRejected(state)) return state;
  const session = state.entities.negotiation.get(sessionId);
  if (session === undefined) {
    return rejected('session_not_found', `there is no session ${sessionId} in pool ${context.pool}`);
  }
  if (!isLive(session)) return rejected('session_closed', `session ${sessionId} is ${session.state}`);
  if (isExpired(session, context.now))
    return rejected('session_closed', `session ${sessionId} is past its deadline`);
  return requireParticipant(session.participants, sessionId, context) ?? session;
}

export function requireParticipant(
  participants: readonly string[],
  sessionId: string,
  { self }: Context,
): Rejected | undefined {
  if (participants.includes(self)) return undefined;
  return rejected('not_a_participant', `${self} is not a participant of session ${sessionId}`);
}

/** A history has an end: it is read as a whole. */
export function historyIsFull(
  { id, participants, proposals, bytes }: LiveNegotiation,
  content: Parameters<typeof roomFor>[1],
): Rejected | undefined {
  if (proposals.length >= MAX_PROPOSALS)
    return rejected(
      'too_large',
      `session ${id} has ${proposals.length} proposals, the most that a session may have`,
    );
  const needed = bytes + roomFor(participants, content);
  if (needed <= MAX_SESSION_BYTES) return undefined;
  return rejected(
    'too_large',
    `session ${id} would grow to ${needed} bytes; the limit is ${MAX_SESSION_BYTES}`,
  );
}
