/** Which delegations may be made at all. */
import {
  type Delegation,
  depthOf,
  groupLinks,
  isLive,
  leadsTo,
  MAX_CHAIN_LINKS,
  type Membership,
} from './links.ts';
import { narrows, parseScopeEntry } from './scopes.ts';

/**
 * Each is `invalid_delegation`, except `parent_missing`, which is `delegation_missing`.
 */
export type DelegationFault =
  | 'invalid_scope'
  | 'self_delegation'
  | 'cycle'
  | 'parent_missing'
  | 'wider_than_parent'
  | 'too_deep';

export interface Circumstances {
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  readonly isMember: Membership;
}

/**
 * Why a delegation may not be added to the ones that there are, or undefined if it may.
 *
 * - `invalid_scope`: the scope is empty or an entry is not of the form `name` or `name:id`.
 * - `self_delegation`, `cycle`: the delegatee is the delegator; or it is the principal, or delegates to the delegator
 *   already, directly or through others. Regardless of scopes, two agents do not delegate to each other. Only live
 *   direct links count, because who is in a pool changes, and members do delegate to their own pool. A cycle that comes
 *   about through a pool gives nobody anything that it does not have, and `findChain` ends all the same.
 * - For a re-delegation `parent_missing`: the parent, or one that the parent passes on, is not live, does not lead to
 *   the delegator, or was passed on for another principal; `wider_than_parent`: its scope does not stay within the
 *   parent's; `too_deep`: some `maxDepth` above it, or the bound of eight links, leaves no room.
 *
 * An own grant needs no such check: a delegator may always hand out its own rights, and of those that others gave it
 * the chain lets through no more than every link covers.
 */
export function delegationFault(
  delegations: readonly Delegation[],
  proposed: Delegation,
  circumstances: Circumstances,
): DelegationFault | undefined {
  const { scope, kind, delegatorId, delegateeId } = proposed;
  if (scope.length === 0 || scope.some((entry) => parseScopeEntry(entry) === undefined))
    return 'invalid_scope';
  if (kind === 'direct') {
    if (delegateeId === delegatorId) return 'self_delegation';
    if (closesCycle(delegations, proposed, circumstances.nowMs)) return 'cycle';
  }
  return proposed.passedOn === undefined ? undefined : passingOnFault(delegations, proposed, circumstances);
}

/**
 * The delegations that revoking this one revokes with it: the live re-delegations of it, of those, and so on; without
 * itself, in the order of the list. They passed on what came through it and have no other basis.
 *
 * Own grants are never among them, even those of its delegatee: they rest on their delegator's own rights, which nobody
 * else can revoke. For the principal who revoked they are dead all the same, since no chain reaches them any more.
 */
export function downstream(
  delegations: readonly Delegation[],
  delegationId: string,
  nowMs: number,
): readonly Delegation[] {
  const passedOn = groupLinks(delegations, (link) => link.passedOn?.parentId);
  const gone = reachableFrom(delegationId, (id) => (passedOn.get(id) ?? []).map((link) => link.delegationId));
  gone.delete(delegationId);
  return delegations.filter((link) => gone.has(link.delegationId) && isLive(link, nowMs));
}

function closesCycle(delegations: readonly Delegation[], proposed: Delegation, nowMs: number): boolean {
  const { delegatorId, delegateeId, passedOn } = proposed;
  if (passedOn?.principalId === delegateeId) return true;
  const direct = delegations.filter((link) => link.kind === 'direct' && isLive(link, nowMs));
  const byDelegator = groupLinks(direct, (link) => link.delegatorId);
  const reached = reachableFrom(delegateeId, (id) =>
    (byDelegator.get(id) ?? []).map((link) => link.delegateeId),
  );
  return reached.has(delegatorId);
}

function reachableFrom(start: string, next: (id: string) => readonly string[]): Set<string> {
  const reached = new Set([start]);
  // A set may grow while it is walked: what is added is walked too.
  for (const id of reached) for (const further of next(id)) reached.add(further);
  return reached;
}

function passingOnFault(
  delegations: readonly Delegation[],
  proposed: Delegation,
  { nowMs, isMember }: Circumstances,
): DelegationFault | undefined {
  const byId = new Map(delegations.map((link) => [link.delegationId, link]));
  let child = proposed;
  for (let links = 1; child.passedOn !== undefined; links++) {
    const parent = byId.get(child.passedOn.parentId);
    if (parent === undefined || !isLive(parent, nowMs) || !leadsTo(parent, child.delegatorId, isMember)) {
      return 'parent_missing';
    }
    if (parent.passedOn !== undefined && parent.passedOn.principalId !== child.passedOn.principalId) {
      return 'parent_missing';
    }
    if (!narrows(child.scope, parent.scope)) return 'wider_than_parent';
    if (depthOf(parent) < links || links >= MAX_CHAIN_LINKS) return 'too_deep';
    child = parent;
  }
  return undefined;
}
