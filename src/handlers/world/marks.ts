/**
 * The fences of a shard, and where agents have anything that they could void. The fences are state, and are kept; the
 * rest is a function of them and of the documents.
 */
import {
  cancellingFence,
  EVERYWHERE,
  type Fence,
  fenceKey,
  fenceOf,
  type Made,
} from '../../protocol/marks.ts';
import { addTo, removeFrom } from './id-sets.ts';
import { IndexedHeap } from './indexed-heap.ts';

const NONE: readonly Fence[] = [];

export class Marks {
  readonly #fences = new Map<string, readonly Fence[]>();
  /** Pools in which an agent has anything. */
  readonly #pools = new Map<string, Set<string>>();
  /** Pools in which an agent has something that is void and not told yet, by name. */
  readonly #untold = new Map<string, IndexedHeap<string>>();
  /** Fences of which something may have changed since this was last asked, by their keys. */
  readonly #stirred = new Set<string>();

  get isEmpty(): boolean {
    return this.#fences.size === 0;
  }

  of(pool: string, agent: string): readonly Fence[] {
    return this.#fences.get(fenceKey(pool, agent)) ?? NONE;
  }

  all(): readonly (readonly [string, readonly Fence[]])[] {
    return [...this.#fences].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  set(pool: string, agent: string, fences: readonly Fence[]): void {
    const key = fenceKey(pool, agent);
    if (fences.length === 0) this.#fences.delete(key);
    else this.#fences.set(key, fences);
  }

  /** By which fence it is void: of those of its pool and those of all pools the first. */
  covering(pool: string, agent: string, made: Made): Fence | undefined {
    if (this.isEmpty) return undefined;
    const own = fenceOf(this.of(pool, agent), made);
    const ofAll = fenceOf(this.of(EVERYWHERE, agent), made);
    if (own === undefined || ofAll === undefined) return own ?? ofAll;
    return own.place < ofAll.place ? own : ofAll;
  }

  /** By which fence something that an agent opened in a pool is to be cancelled: of those of the pool, or of all pools. */
  cancelling(pool: string, agent: string, made: Made): Fence | undefined {
    if (this.isEmpty) return undefined;
    const own = cancellingFence(this.of(pool, agent), made);
    const ofAll = cancellingFence(this.of(EVERYWHERE, agent), made);
    if (own === undefined || ofAll === undefined) return own ?? ofAll;
    return own.place < ofAll.place ? own : ofAll;
  }

  /** All fences of an agent that hold in a pool. */
  holdIn(pool: string, agent: string): readonly Fence[] {
    return [...this.of(pool, agent), ...this.of(EVERYWHERE, agent)];
  }

  /** What a pool says of an agent whenever that may have changed. */
  look(pool: string, agent: string, hasAnything: boolean, hasVoid: boolean): void {
    if (hasAnything) addTo(this.#pools, agent, pool);
    else removeFrom(this.#pools, agent, pool);
    const untold = this.#untold.get(agent);
    if (hasVoid === (untold?.get(pool) !== undefined)) return;
    this.stir(pool, agent);
    if (hasVoid) this.#addUntold(agent, pool);
    else if (untold?.delete(pool) === true && untold.size === 0) this.#untold.delete(agent);
  }

  #addUntold(agent: string, pool: string): void {
    const untold = this.#untold.get(agent) ?? new IndexedHeap<string>((a, b) => a < b);
    untold.set(pool, pool);
    this.#untold.set(agent, untold);
  }

  poolsOf(agent: string): readonly string[] {
    return [...(this.#pools.get(agent) ?? [])];
  }

  isUntoldIn(pool: string, agent: string): boolean {
    return this.#untold.get(agent)?.get(pool) !== undefined;
  }

  /** The first pool by name in which something void of the agent is not told yet. */
  firstUntold(agent: string): string | undefined {
    return this.#untold.get(agent)?.peek();
  }

  /** A fence has come, or something that it voids has been told: the end of the message asks what is left of it. */
  stir(pool: string, agent: string): void {
    this.#stirred.add(fenceKey(pool, agent));
    this.#stirred.add(fenceKey(EVERYWHERE, agent));
  }

  takeStirred(): readonly string[] {
    const stirred = [...this.#stirred].filter((key) => this.#fences.has(key)).sort();
    this.#stirred.clear();
    return stirred;
  }
}
