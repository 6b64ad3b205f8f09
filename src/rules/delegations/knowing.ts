/**
 * The visibility that a delegation gives its delegate. An agent that may decide about an entity must see it; so an agent that
 * knows of a private pool in its own right lends that to those to whom its live delegations lead, as far as the scopes
 * reach. When it leaves, what it lent is gone with it.
 */
import { hasChain } from './chains.ts';
import { type DecisionFamily, familyOf, isFamily } from './families.ts';
import { type Delegation, isLive, type Membership } from './links.ts';
import { parseScopeEntry, type Scope } from './scopes.ts';

export interface Knowing {
  readonly agentId: string;
  /** Does a scope reach as far as what is asked about? */
  readonly reaches: (scope: Scope) => boolean;
  /** Who knows in its own right. */
  readonly knows: (agentId: string) => boolean;
  readonly isMember: Membership;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** Does a chain of live delegations, all of which reach far enough, lead to the agent from one who knows by itself? */
export function isLetKnow(
  delegations: readonly Delegation[],
  { agentId, reaches, knows, isMember, nowMs }: Knowing,
): boolean {
  const links = delegations.filter((link) => isLive(link, nowMs) && reaches(link.scope));
  const principals = new Set(links.map(({ delegatorId, passedOn }) => passedOn?.principalId ?? delegatorId));
  for (const principalId of principals) {
    if (!knows(principalId)) continue;
    if (hasChain(links, { principalId, agentId, nowMs, isMember })) return true;
  }
  return false;
}

/** Something to be read: one thing of a family by its id, or without an id all of them. */
export interface Readable {
  readonly family: DecisionFamily;
  readonly entityId?: string | undefined;
}

/** A scope for an entity allows reading it. A scope for a whole family allows reading all entities of the family. */
export function coversReading(scope: Scope, { family, entityId }: Readable): boolean {
  return scope.some((text) => {
    const entry = parseScopeEntry(text);
    if (entry === undefined) return false;
    const isOfFamily = entry.name === family || (!isFamily(entry.name) && familyOf(entry.name) === family);
    return isOfFamily && (entry.entityId === undefined || entry.entityId === entityId);
  });
}
