/**
 * Who may know of a pool that is not open. Handlers ask it of the state in memory and queries of the stored one; the rule
 * is the same, so that nobody can read what it may not touch, or touch what it may not read.
 */
import type { Admission, Pool } from './documents.ts';
import { OPERATOR } from './names.ts';

/** How an agent stands to a pool at one moment. */
export interface Standing {
  /** A member that is present: one whose presence lapsed is none. */
  readonly isMember: boolean;
  /** Banned from the pool, or from the whole system. */
  readonly isBanned: boolean;
}

/** A pool that everyone may know of, whatever they may do in it. */
export function isPublic({ admission }: Pick<Pool, 'admission'>): boolean {
  return admission.kind === 'open';
}

/**
 * Present members, the owner, operators of the pool and of the whole system. Their delegations give visibility to others as
 * much as the scope covers (`rules/delegations/knowing.ts`). To everyone else a pool that is not open does not exist.
 */
export function knowsInOwnRight(
  { owner, operators }: Pick<Pool, 'owner' | 'operators'>,
  agent: string,
  { isMember, isBanned }: Standing,
): boolean {
  if (agent === OPERATOR) return true;
  if (isBanned) return false;
  return isMember || owner === agent || operators?.includes(agent) === true;
}

/** The admission as anyone may see it: not the digest of a token, which could be guessed at leisure. */
export function shownAdmission(admission: Admission): Admission {
  return admission.kind === 'token' ? { kind: 'token', sha256: '' } : admission;
}
