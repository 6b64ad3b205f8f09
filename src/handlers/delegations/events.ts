import type { DelegationKind, PassedOnFrom } from '../../protocol/delegations.ts';
import type { Origin } from '../../protocol/documents.ts';
import type { Happened } from '../kernel/happened.ts';

interface BetweenAgents {
  readonly delegatorId: string;
  readonly delegateeId: string;
}

export interface DelegationGrantedData extends BetweenAgents {
  readonly kind: DelegationKind;
  readonly scope: readonly string[];
  readonly expiresAt?: number;
  readonly maxDepth?: number;
  readonly passedOn?: PassedOnFrom;
  readonly order: number;
  readonly origin: Origin;
}

export interface DelegationRevokedData extends BetweenAgents {
  /** `_system` where the revocation of one further up had left it for the sweep. */
  readonly by: string;
  /** The delegation further up whose revocation took this one with it. */
  readonly with?: string;
}

export interface DelegationExpiredData extends BetweenAgents {
  /** Its own time came, or the pool was closed long enough ago to be removed. */
  readonly cause: 'expired' | 'pool_closed';
}

export type DelegationEvent =
  | Happened<'delegation.granted', DelegationGrantedData>
  | Happened<'delegation.revoked', DelegationRevokedData>
  | Happened<'delegation.expired', DelegationExpiredData>
  | Happened<'delegation.removed', Record<string, never>>;
