/**
 * The delegations of one pool that have not ended, as links of chains: kept so that a search for a chain looks only
 * at what can lead from the one to the other. Everything here is a function of the documents.
 */
import type { Delegation } from '../../protocol/delegations.ts';
import type { Delegation as Link, Membership } from '../../rules/index.ts';
import { addTo, removeFrom } from '../world/id-sets.ts';

interface Entry {
  readonly link: Link;
  readonly delegation: Delegation;
}

export class LiveDelegations {
  readonly #entries = new Map<string, Entry>();
  readonly #byDelegator = new Map<string, Set<string>>();
  readonly #byParent = new Map<string, Set<string>>();

  get size(): number {
    return this.#entries.size;
  }

  /** What became of one; one that ended is none of these any more. */
  put(id: string, after: Delegation | undefined): void {
    const before = this.#entries.get(id);
    if (before !== undefined) this.#remove(before.link);
    if (after?.state === 'live') this.#add(after);
  }

  /**
   * All links that a chain from this agent can go through, in the order in which they were granted: a chain found among
   * them does not depend on how they came into memory.
   */
  reachableFrom(agentId: string, isMember: Membership): readonly Link[] {
    const found: Entry[] = [];
    const reached = new Set([agentId]);
    const pools = new Set<string>();
    // A set may grow while it is walked: what is added is walked too.
    for (const delegatorId of reached) {
      for (const entry of this.#entriesOf(this.#byDelegator.get(delegatorId))) {
        found.push(entry);
        const { kind, delegateeId } = entry.link;
        if (kind === 'direct') reached.add(delegateeId);
        else if (!pools.has(delegateeId)) {
          pools.add(delegateeId);
          for (const other of this.#byDelegator.keys()) if (isMember(delegateeId, other)) reached.add(other);
        }
      }
    }
    return inOrder(found);
  }

  /** Everything that was passed on from this one, and from that, and so on, in the order of granting. */
  passedOnFrom(delegationId: string): readonly Link[] {
    const found = new Map<string, Entry>();
    const from = new Set([delegationId]);
    for (const parentId of from) {
      for (const entry of this.#entriesOf(this.#byParent.get(parentId))) {
        found.set(entry.link.delegationId, entry);
        from.add(entry.link.delegationId);
      }
    }
    return inOrder([...found.values()]);
  }

  /** The documents of what was passed on from this one directly. */
  childrenOf(delegationId: string): readonly Delegation[] {
    return this.#entriesOf(this.#byParent.get(delegationId)).map(({ delegation }) => delegation);
  }

  /** Was it passed on from one that has ended? Then it gives nobody anything, and only waits for the sweep. */
  isLeftOver({ state, passedOn }: Delegation): boolean {
    return state === 'live' && passedOn !== undefined && !this.#entries.has(passedOn.parentId);
  }

  /** Those granted first. */
  first(count: number): readonly Link[] {
    return inOrder([...this.#entries.values()]).slice(0, count);
  }

  #entriesOf(ids: ReadonlySet<string> = NONE): Entry[] {
    return [...ids].flatMap((id) => this.#entries.get(id) ?? []);
  }

  #add(delegation: Delegation): void {
    const link = linkOf(delegation);
    this.#entries.set(link.delegationId, { link, delegation });
    addTo(this.#byDelegator, link.delegatorId, link.delegationId);
    if (link.passedOn !== undefined) addTo(this.#byParent, link.passedOn.parentId, link.delegationId);
  }

  #remove({ delegationId, delegatorId, passedOn }: Link): void {
    this.#entries.delete(delegationId);
    removeFrom(this.#byDelegator, delegatorId, delegationId);
    if (passedOn !== undefined) removeFrom(this.#byParent, passedOn.parentId, delegationId);
  }
}

const NONE: ReadonlySet<string> = new Set();

/** A document as the rules see it. */
export function linkOf(delegation: Delegation): Link {
  const { id, delegatorId, delegateeId, delegationKind, scope, expiresAt, maxDepth, passedOn } = delegation;
  return {
    delegationId: id,
    delegatorId,
    delegateeId,
    kind: delegationKind,
    scope,
    expiresAt,
    maxDepth,
    passedOn,
    revoked: delegation.state === 'revoked',
  };
}

function inOrder(entries: Entry[]): readonly Link[] {
  return entries.sort((a, b) => a.delegation.order - b.delegation.order).map(({ link }) => link);
}
