import type { EntityKind } from '../../protocol/entities.ts';
import type { Fence } from '../../protocol/marks.ts';
import { IndexedHeap } from './indexed-heap.ts';

/** Memberships and claims are void; what an agent has opened is to be cancelled, and stands until then. */
export type VoidKind = 'member' | 'offer' | 'claim' | EntityKind;

/** Something in a pool that a fence voids and that has not been told. */
export interface VoidThing {
  readonly kind: VoidKind;
  readonly agent: string;
  /** The agent, the task, or what it has opened. */
  readonly id: string;
  readonly order: number;
  readonly fence: Fence;
}

/** What is void in one pool, in the order in which it is told: by fences, memberships first, then as it was made. */
export class VoidThings {
  readonly #things = new IndexedHeap<VoidThing>(toldBefore);
  readonly #counts = new Map<string, number>();

  get size(): number {
    return this.#things.size;
  }

  first(): VoidThing | undefined {
    return this.#things.peek();
  }

  /** How much of an agent's is void, of one kind or at all. */
  count(agent: string, kind?: VoidKind): number {
    return this.#counts.get(countKey(agent, kind)) ?? 0;
  }

  /** How many memberships are. */
  get members(): number {
    return this.#counts.get('member') ?? 0;
  }

  put(thing: VoidThing): void {
    const key = keyOf(thing);
    if (this.#things.get(key) === undefined) this.#add(thing, 1);
    this.#things.set(key, thing);
  }

  delete(thing: Pick<VoidThing, 'kind' | 'agent' | 'id'>): void {
    if (this.#things.delete(keyOf(thing))) this.#add(thing, -1);
  }

  #add({ agent, kind }: Pick<VoidThing, 'kind' | 'agent'>, sign: 1 | -1): void {
    for (const key of [countKey(agent, undefined), countKey(agent, kind), kind]) {
      const count = (this.#counts.get(key) ?? 0) + sign;
      if (count === 0) this.#counts.delete(key);
      else this.#counts.set(key, count);
    }
  }
}

function keyOf({ kind, agent, id }: Pick<VoidThing, 'kind' | 'agent' | 'id'>): string {
  return `${kind}/${agent}/${id}`;
}

function countKey(agent: string, kind: VoidKind | undefined): string {
  return kind === undefined ? `/${agent}` : `${kind}/${agent}`;
}

/** Auctions before the tasks that they give away. */
const RANK: Readonly<Record<VoidKind, number>> = {
  member: 0,
  offer: 1,
  claim: 2,
  auction: 3,
  vote: 4,
  negotiation: 5,
  delegation: 6,
  task: 7,
};

/** Total: no two things have the same kind, agent and id. */
function toldBefore(a: VoidThing, b: VoidThing): boolean {
  if (a.fence.place !== b.fence.place) return a.fence.place < b.fence.place;
  if (a.kind !== b.kind) return RANK[a.kind] < RANK[b.kind];
  if (a.order !== b.order) return a.order < b.order;
  return a.agent !== b.agent ? a.agent < b.agent : a.id < b.id;
}
