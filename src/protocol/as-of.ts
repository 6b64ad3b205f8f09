/**
 * What a stored document is by the marks that stand: what they have ended shows as its end, whether or not that has been
 * told. Whatever answers from stored documents asks here, as the rules ask the state in memory.
 */
import type { Delegation, LiveDelegation } from './delegations.ts';
import {
  type ClaimedTask,
  isClaimed,
  isFinal,
  type Member,
  type PendingTask,
  type Task,
} from './documents.ts';
import { endingClaim, type Fence, fenceOf } from './marks.ts';
import { SYSTEM } from './names.ts';
import type { Offer } from './offers.ts';

export interface StandingMarks {
  /** The fences of an agent that hold in the pool, in the order of the log. */
  readonly fencesOf: (agent: string) => readonly Fence[];
}

export interface MarksOfPool extends StandingMarks {
  /** Since when the pool is closed: what nobody holds in it is over. */
  readonly closedAt: number | undefined;
}

/** Undefined where its stay is over. */
export function memberAsOf(member: Member, { fencesOf }: StandingMarks): Member | undefined {
  const made = { order: member.order, at: member.joinedAt };
  return fenceOf(fencesOf(member.agent), made) === undefined ? member : undefined;
}

/** Undefined where the stay of its agent is over. */
export function offerAsOf(offer: Offer, { fencesOf }: StandingMarks): Offer | undefined {
  const made = { order: offer.order, at: offer.madeAt };
  return fenceOf(fencesOf(offer.agent), made) === undefined ? offer : undefined;
}

/** A task without its claim where that is void; cancelled where nobody holds it and its pool is closed. */
export function taskAsOf(task: Task, { fencesOf, closedAt }: MarksOfPool): Task {
  const fence = isClaimed(task) ? fenceOfClaim(task, fencesOf(task.claim.agent)) : undefined;
  const seen = isClaimed(task) && fence !== undefined ? withoutClaim(task) : task;
  const endsByTime = (task.deadline ?? Number.POSITIVE_INFINITY) <= (closedAt ?? 0);
  if (closedAt === undefined || endsByTime || isFinal(seen) || isClaimed(seen)) return seen;
  const { waitingFor: _waitingFor, readyAt: _readyAt, auction: _auction, ...common } = seen;
  return {
    ...common,
    state: 'cancelled',
    finishedAt: Math.max(closedAt, fence?.at ?? 0),
    finishedBy: SYSTEM,
    cause: 'pool_closed',
  };
}

function fenceOfClaim({ claim }: ClaimedTask, fences: readonly Fence[]): Fence | undefined {
  return endingClaim(fenceOf(fences, { order: claim.order, at: claim.claimedAt }), claim);
}

function withoutClaim(task: ClaimedTask): PendingTask {
  const { claim: _claim, progress: _progress, note: _note, ...common } = task;
  return { ...common, state: 'pending' };
}

/** A delegation that rests on one that ended then. */
export function delegationAsOf(delegation: LiveDelegation, finishedAt: number): Delegation {
  if ((delegation.expiresAt ?? Number.POSITIVE_INFINITY) <= finishedAt)
    return { ...delegation, finishedAt, state: 'expired' };
  const ended = { ...delegation, finishedAt, revokedBy: SYSTEM, revokedWith: delegation.passedOn?.parentId };
  return { ...ended, state: 'revoked' };
}
