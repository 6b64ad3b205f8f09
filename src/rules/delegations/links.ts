/** Delegations as links of a chain. */
import type { Scope } from './scopes.ts';

/**
 * One delegation. Its delegator lets the delegatee (`direct`), or any member of a pool (`pooled`), act for it within
 * the scope.
 *
 * Without `passedOn` it is the delegator's **own grant**: it hands out the delegator's own rights, and whatever others
 * delegated to the delegator for as long as they do. With `passedOn` it is a **re-delegation**: made on behalf of a
 * principal, it passes on that principal's rights, through the one delegation that gave them, and nothing else. So
 * anyone who helps a principal need not open its own rights to the next helper.
 */
export interface Delegation {
  readonly delegationId: string;
  readonly delegatorId: string;
  readonly kind: 'direct' | 'pooled';
  /** The agent; for `pooled` the pool whose members may act. */
  readonly delegateeId: string;
  readonly scope: Scope;
  /** Milliseconds since the epoch; from that moment on it is over. Left out: until it is revoked. */
  readonly expiresAt?: number | undefined;
  /** How many links may follow it in a chain; 0: it cannot be passed on. Left out: only the length of chains bounds it. */
  readonly maxDepth?: number | undefined;
  readonly revoked?: boolean | undefined;
  readonly passedOn?: PassedOn | undefined;
}

/** From what a delegation was passed on. */
export interface PassedOn {
  /** For whom it was passed on. */
  readonly principalId: string;
  /** The last link of the chain by which the delegator acted for the principal. */
  readonly parentId: string;
}

/** Is the agent a member of the pool, at the moment of the question? */
export type Membership = (poolId: string, agentId: string) => boolean;

/** Most links of one chain. */
export const MAX_CHAIN_LINKS = 8;

/** Neither revoked nor expired. */
export function isLive({ revoked, expiresAt }: Delegation, nowMs: number): boolean {
  return revoked !== true && (expiresAt === undefined || nowMs < expiresAt);
}

/** How many links may still follow this one. */
export function depthOf({ maxDepth = MAX_CHAIN_LINKS }: Delegation): number {
  return Math.min(maxDepth, MAX_CHAIN_LINKS);
}

/** Does this link let the agent act? */
export function leadsTo(link: Delegation, agentId: string, isMember: Membership): boolean {
  return link.kind === 'direct' ? link.delegateeId === agentId : isMember(link.delegateeId, agentId);
}

/** Links in groups, each in the order of the list. Links without a key are left out. */
export function groupLinks(
  links: readonly Delegation[],
  keyOf: (link: Delegation) => string | undefined,
): ReadonlyMap<string, readonly Delegation[]> {
  const groups = new Map<string, Delegation[]>();
  for (const link of links) {
    const key = keyOf(link);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [link]);
    else group.push(link);
  }
  return groups;
}
