/**
 * Delegations (docs/protocol.md, "Delegations"): an agent lets another one, or every member of a pool, decide in its name. A
 * delegation lives in the pool in which it was decided and counts for decisions in that pool only.
 */

import type { EntityCommon } from './entity-common.ts';
import type { Cause } from './marks.ts';

export const DELEGATION_KINDS = ['direct', 'pooled'] as const;
export const DELEGATION_STATES = ['live', 'revoked', 'expired'] as const;

/** `direct`: to one agent. `pooled`: to every member of the pool. */
export type DelegationKind = (typeof DELEGATION_KINDS)[number];

/** The basis of a delegation made on behalf of a principal: that principal's delegation, and the link to it. */
export interface PassedOnFrom {
  readonly principalId: string;
  /** The last delegation of the chain by which the delegator acted for the principal. */
  readonly parentId: string;
}

interface DelegationCommon extends EntityCommon {
  readonly kind: 'delegation';
  /** Who made it. Its own rights, or with `passedOn` those of the principal that it acted for. */
  readonly delegatorId: string;
  readonly delegationKind: DelegationKind;
  /** The agent that may act; for `pooled` the pool whose members may. */
  readonly delegateeId: string;
  /** Decision types (`Vote`), families (`votes`), or either narrowed to one thing (`Vote:v-7`). */
  readonly scope: readonly string[];
  /** From then on it is over, whether or not a sweep has run. Absent: until it is revoked. */
  readonly expiresAt?: number | undefined;
  /** How many delegations may follow it in a chain; 0: it cannot be passed on. */
  readonly maxDepth?: number | undefined;
  readonly passedOn?: PassedOnFrom | undefined;
  /** What ended it, where others rested on it. */
  readonly because?: Cause | undefined;
}

export interface LiveDelegation extends DelegationCommon {
  readonly state: 'live';
}
export interface RevokedDelegation extends DelegationCommon {
  readonly state: 'revoked';
  readonly finishedAt: number;
  /** Who revoked it; `_system` where it was left over from one further up. */
  readonly revokedBy: string;
  /** The delegation further up whose revocation took this one with it. */
  readonly revokedWith?: string | undefined;
}
export interface ExpiredDelegation extends DelegationCommon {
  readonly state: 'expired';
  readonly finishedAt: number;
}

export type Delegation = LiveDelegation | RevokedDelegation | ExpiredDelegation;

/** Is the agent one of those between whom the delegation is? Members of a pool that it is pooled to are not. */
export function partiesOf(delegation: Delegation): readonly string[] {
  const { delegatorId, delegateeId, delegationKind, passedOn } = delegation;
  const parties = new Set([delegatorId]);
  if (delegationKind === 'direct') parties.add(delegateeId);
  if (passedOn !== undefined) parties.add(passedOn.principalId);
  return [...parties];
}

type Renamed<D extends Delegation> = D extends Delegation
  ? Omit<D, 'id' | 'kind' | 'delegationKind' | 'because'> & {
      readonly delegationId: string;
      readonly kind: DelegationKind;
    }
  : never;

/** A delegation as its pool may see it, by the names that decisions use. */
export type PublicDelegation = Renamed<Delegation>;

export function publicDelegation(delegation: Delegation): PublicDelegation {
  const { id, kind: _, delegationKind, because: _because, ...shown } = delegation;
  return { delegationId: id, kind: delegationKind, ...shown };
}
