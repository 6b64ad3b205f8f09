/**
 * The delegations of one pool that have not ended, as links of chains: kept so that a search for a chain looks only
 * at what can lead from the one to the other. Everything here is a function of the documents.
 */

import type { Delegation } from '../../protocol/delegations.ts';
import { MAX_DELEGATION_DEPTH, MAX_SEARCHED_LINKS } from '../../protocol/limits.ts';
import { pushAll } from '../../protocol/lists.ts';
import type { Delegation as Link, Membership } from '../../rules/index.ts';
import { addTo, removeFrom } from '../world/id-sets.ts';
import { IndexedHeap } from '../world/indexed-heap.ts';

interface Entry {
  readonly link: Link;
  readonly delegation: Delegation;
}

type Index = Map<string, Set<string>>;

export class LiveDelegations {
  readonly #entries = new Map<string, Entry>();
  /** Direct ones by the agent that may act, pooled ones by the pool whose members may. */
  readonly #byDelegatee: Record<Link['kind'], Index> = { direct: new Map(), pooled: new Map() };
  /** By delegator and delegatee. */
  readonly #byPair: Index = new Map();
  readonly #byDelegator: Index = new Map();
  readonly #byParent: Index = new Map();
  /** Those whose parent has ended, in the order of granting. */
  readonly #leftOver = new IndexedHeap<Delegation>((a, b) => a.order < b.order);

  get size(): number {
    return this.#entries.size;
  }

  /** Records a change of one; an ended one is removed from these. */
  put(id: string, after: Delegation | undefined): void {
    const before = this.#entries.get(id);
    if (before !== undefined) this.#remove(before.link);
    if (after?.state === 'live') this.#add(after);
    this.#look(id, after);
    // Delegations passed on from it have lost their basis, or (in loading order) have found it.
    for (const child of this.childrenOf(id)) this.#look(child.id, child);
  }

  #look(id: string, delegation: Delegation | undefined): void {
    if (delegation !== undefined && this.isLeftOver(delegation)) this.#leftOver.set(id, delegation);
    else this.#leftOver.delete(id);
  }

  /** Has it ended, or has something above it in its chain? That it rests on nothing is true before it is told. */
  isDead({ state, passedOn }: Delegation): boolean {
    if (state !== 'live') return true;
    // A chain has at most so many links; what were longer would lead round in a circle.
    let parentId = passedOn?.parentId;
    for (let links = 0; parentId !== undefined && links <= MAX_DELEGATION_DEPTH; links++) {
      const parent = this.#entries.get(parentId);
      if (parent === undefined) return true;
      parentId = parent.link.passedOn?.parentId;
    }
    return false;
  }

  /** Without those that are dead, or have expired by now, and are not told yet. */
  liveCountAt(now: number): number {
    let count = 0;
    for (const { delegation } of this.#entries.values()) if (!this.#isOver(delegation, now)) count++;
    return count;
  }

  #isOver(delegation: Delegation, now: number): boolean {
    let at: Delegation | undefined = delegation;
    for (let links = 0; at !== undefined && links <= MAX_DELEGATION_DEPTH; links++) {
      if ((at.expiresAt ?? Number.POSITIVE_INFINITY) <= now) return true;
      if (at.passedOn === undefined) return false;
      at = this.#entries.get(at.passedOn.parentId)?.delegation;
    }
    return at === undefined;
  }

  get hasLeftOver(): boolean {
    return this.#leftOver.size > 0;
  }

  #alive(entries: Entry[]): Entry[] {
    return this.hasLeftOver ? entries.filter(({ delegation }) => !this.isDead(delegation)) : entries;
  }

  /** Of those whose parent has ended, the one that was granted first. */
  firstLeftOver(): Delegation | undefined {
    return this.#leftOver.peek();
  }

  /** Delegations from one agent to another, or to a pool: mostly that is the whole chain. */
  directly(fromId: string, toId: string): readonly Link[] {
    const delegatees = [toId, ...this.#byDelegatee.pooled.keys()];
    const entries = delegatees.flatMap((id) => this.#entriesOf(this.#byPair.get(pairOf(fromId, id))));
    return this.#alive(inOrder(entries)).map(({ link }) => link);
  }

  /**
   * All links that chains from the one agent to the other can go through, in the order in which they were granted: a
   * chain found among them does not depend on how they came into memory. Of very many it is those that are nearest to
   * the first agent, so that no decision makes a shard search for long.
   */
  between(fromId: string, toId: string, isMember: Membership): readonly Link[] {
    const found = this.#onwardsFrom(fromId) ?? nearest(this.#leadingTo(toId, isMember), fromId, isMember);
    return this.#alive(inOrder(found)).map(({ link }) => link);
  }

  /**
   * Links that lead to an agent, from whomever, and those that chains through them go through: of very many those that are
   * nearest to the agent. For someone to whom nobody delegated anything that is nothing, at once.
   */
  leadingTo(agentId: string): readonly Link[] {
    const { direct } = this.#byDelegatee;
    if (!direct.has(agentId)) return [];
    const found = new Map<string, Link>();
    const reached = new Set([agentId]);
    for (const id of reached) {
      for (const { link } of inOrder(this.#entriesOf(direct.get(id)))) {
        for (const each of [link, ...this.#restsOn(link)]) {
          if (found.size === MAX_SEARCHED_LINKS) return [...found.values()];
          found.set(each.delegationId, each);
          reached.add(each.delegatorId);
        }
      }
    }
    return [...found.values()];
  }

  /** Everything that was passed on from this one, and from that, and so on, in the order of granting. */
  passedOnFrom(delegationId: string): readonly Link[] {
    const found = new Set<Entry>();
    const from = new Set([delegationId]);
    for (const parentId of from) {
      for (const entry of this.#entriesOf(this.#byParent.get(parentId))) {
        found.add(entry);
        from.add(entry.link.delegationId);
      }
    }
    return inOrder([...found]).map(({ link }) => link);
  }

  /** The documents of what was passed on from this one directly. */
  childrenOf(delegationId: string): readonly Delegation[] {
    return this.#entriesOf(this.#byParent.get(delegationId)).map(({ delegation }) => delegation);
  }

  hasChildren(delegationId: string): boolean {
    return this.#byParent.has(delegationId);
  }

  /** Was it passed on from one that has ended? Then it gives nobody anything, and only waits to be told. */
  isLeftOver({ state, passedOn }: Delegation): boolean {
    return state === 'live' && passedOn !== undefined && !this.#entries.has(passedOn.parentId);
  }

  /** Those granted first. */
  first(count: number): readonly Link[] {
    return inOrder([...this.#entries.values()])
      .slice(0, count)
      .map(({ link }) => link);
  }

  /** Forwards from an agent, mostly a handful. Undefined where a pool comes in between, or too many do. */
  #onwardsFrom(agentId: string): Entry[] | undefined {
    const found: Entry[] = [];
    const reached = new Set([agentId]);
    // A set may grow while it is walked: what is added is walked too.
    for (const id of reached) {
      const granted = this.#byDelegator.get(id);
      if (found.length + (granted?.size ?? 0) > MAX_SEARCHED_LINKS) return undefined;
      for (const entry of this.#entriesOf(granted)) {
        if (entry.link.kind === 'pooled') return undefined;
        found.push(entry);
        reached.add(entry.link.delegateeId);
      }
    }
    return found;
  }

  /** Backwards from an agent: links that reach it, links that reach the agents who granted those, and so on. */
  #leadingTo(agentId: string, isMember: Membership): Entry[] {
    const { direct, pooled } = this.#byDelegatee;
    const found: Entry[] = [];
    const reached = new Set([agentId]);
    const pools = new Set(pooled.keys());
    for (const id of reached) {
      const links = this.#entriesOf(direct.get(id));
      for (const pool of pools) {
        if (!isMember(pool, id)) continue;
        pushAll(links, this.#entriesOf(pooled.get(pool)));
        pools.delete(pool);
      }
      for (const entry of links) reached.add(entry.link.delegatorId);
      pushAll(found, links);
    }
    return found;
  }

  #entriesOf(ids: ReadonlySet<string> = NONE): Entry[] {
    const entries: Entry[] = [];
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  }

  /** The links that a re-delegation passes on, up to the first. */
  *#restsOn({ passedOn }: Link): Generator<Link> {
    let id = passedOn?.parentId;
    for (let links = 0; id !== undefined && links <= MAX_DELEGATION_DEPTH; links++) {
      const parent: Link | undefined = this.#entries.get(id)?.link;
      if (parent === undefined) return;
      yield parent;
      id = parent.passedOn?.parentId;
    }
  }

  #add(delegation: Delegation): void {
    const link = linkOf(delegation);
    this.#entries.set(link.delegationId, { link, delegation });
    addTo(this.#byDelegatee[link.kind], link.delegateeId, link.delegationId);
    addTo(this.#byPair, pairOf(link.delegatorId, link.delegateeId), link.delegationId);
    addTo(this.#byDelegator, link.delegatorId, link.delegationId);
    if (link.passedOn !== undefined) addTo(this.#byParent, link.passedOn.parentId, link.delegationId);
  }

  #remove({ delegationId, kind, delegatorId, delegateeId, passedOn }: Link): void {
    this.#entries.delete(delegationId);
    removeFrom(this.#byDelegatee[kind], delegateeId, delegationId);
    removeFrom(this.#byPair, pairOf(delegatorId, delegateeId), delegationId);
    removeFrom(this.#byDelegator, delegatorId, delegationId);
    if (passedOn !== undefined) removeFrom(this.#byParent, passedOn.parentId, delegationId);
  }
}

const NONE: ReadonlySet<string> = new Set();

/** No name contains a slash. */
function pairOf(delegatorId: string, delegateeId: string): string {
  return `${delegatorId}/${delegateeId}`;
}

/** Forwards from an agent, among these links: those that it granted, those of whomever these reach, and so on. */
function nearest(among: readonly Entry[], agentId: string, isMember: Membership): readonly Entry[] {
  const byDelegator = new Map<string, Entry[]>();
  for (const entry of among) {
    const granted = byDelegator.get(entry.link.delegatorId);
    if (granted === undefined) byDelegator.set(entry.link.delegatorId, [entry]);
    else granted.push(entry);
  }
  const found: Entry[] = [];
  const reached = new Set([agentId]);
  const pools = new Set<string>();
  for (const id of reached) {
    for (const entry of inOrder(byDelegator.get(id) ?? [])) {
      if (found.length === MAX_SEARCHED_LINKS) return found;
      found.push(entry);
      const { kind, delegateeId } = entry.link;
      if (kind === 'direct') reached.add(delegateeId);
      else if (!pools.has(delegateeId)) {
        pools.add(delegateeId);
        const members = [...byDelegator.keys()].filter((other) => isMember(delegateeId, other));
        for (const member of members.sort()) reached.add(member);
      }
    }
  }
  return found;
}

function inOrder(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((a, b) => a.delegation.order - b.delegation.order);
}

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
