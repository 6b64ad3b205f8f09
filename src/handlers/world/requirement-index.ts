/**
 * Claim classes by what they require. Classes of the same requirements stand together, so that whether a member may
 * claim is decided once for all of them, however many topics they have. Each such group is listed by one of the things
 * that it requires, the one that fewest others are listed by: a capability that every task requires tells nothing, and
 * listing by it would let a member look at all of them.
 *
 * The result does not depend on where a group is listed, only the amount of work does.
 */
import type { PendingTask, Requirements } from '../../protocol/documents.ts';
import { satisfies } from '../../protocol/documents.ts';
import { IndexedHeap } from './indexed-heap.ts';

/** Pending tasks of one topic and the same requirements. */
export interface ClaimClass {
  readonly key: string;
  readonly topic: string | undefined;
  readonly requirements: Requirements;
  readonly tasks: IndexedHeap<PendingTask>;
}

interface Group {
  readonly key: string;
  readonly requirements: Requirements;
  readonly classes: IndexedHeap<ClaimClass>;
  /** The lists that it stands in: one for each alternative of the requirement that it is listed by. */
  readonly listedBy: readonly string[];
}

/** Which claims come first: higher priority, then earlier submission. */
export function claimedBefore(a: PendingTask, b: PendingTask): boolean {
  return a.priority !== b.priority ? a.priority > b.priority : a.order < b.order;
}

/** Groups that require nothing are listed under this name, which no capability can have. */
const NOTHING: readonly string[] = [''];

export class RequirementIndex {
  readonly #groups = new Map<string, Group>();
  readonly #lists = new Map<string, IndexedHeap<Group>>();

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  /** Adds a class, or moves it to where it belongs now that another task is its best. */
  put(entry: ClaimClass): void {
    const key = JSON.stringify(entry.requirements);
    const group = this.#groups.get(key) ?? this.#newGroup(key, entry.requirements);
    group.classes.set(entry.key, entry);
    for (const name of group.listedBy) this.#lists.get(name)?.set(key, group);
  }

  remove(entry: ClaimClass): void {
    const key = JSON.stringify(entry.requirements);
    const group = this.#groups.get(key);
    if (group === undefined) return;
    group.classes.delete(entry.key);
    if (group.classes.size === 0) this.#groups.delete(key);
    for (const name of group.listedBy) {
      const list = this.#lists.get(name);
      if (group.classes.size > 0) list?.set(key, group);
      else list?.delete(key);
      if (list?.size === 0) this.#lists.delete(name);
    }
  }

  /**
   * Classes that a member may claim from, for as long as the reader wants better tasks than `isGoodEnough` has seen.
   * Those of one list come best first, so that looking ends where nothing better can follow.
   */
  *claimable(
    capabilities: ReadonlySet<string>,
    isGoodEnough: (best: PendingTask) => boolean,
  ): Generator<ClaimClass, void, undefined> {
    const seen = new Set<string>();
    for (const name of [...NOTHING, ...capabilities]) {
      for (const group of this.#lists.get(name)?.inOrder() ?? []) {
        const best = bestOf(group);
        if (best === undefined || isGoodEnough(best)) break;
        if (seen.has(group.key) || !satisfies(capabilities, group.requirements)) continue;
        seen.add(group.key);
        for (const entry of group.classes.inOrder()) {
          const next = entry.tasks.peek();
          if (next === undefined || isGoodEnough(next)) break;
          yield entry;
        }
      }
    }
  }

  #newGroup(key: string, requirements: Requirements): Group {
    const listedBy = this.#rarest(requirements);
    const group = { key, requirements, classes: new IndexedHeap<ClaimClass>(classBefore), listedBy };
    this.#groups.set(key, group);
    for (const name of listedBy) {
      if (!this.#lists.has(name)) this.#lists.set(name, new IndexedHeap<Group>(groupBefore));
    }
    return group;
  }

  /** Of what is required, the alternatives that fewest groups are listed by at this moment. */
  #rarest(requirements: Requirements): readonly string[] {
    let rarest = requirements[0] ?? NOTHING;
    let fewest = this.#listedBy(rarest);
    for (const alternatives of requirements.slice(1)) {
      const listed = this.#listedBy(alternatives);
      if (listed >= fewest) continue;
      rarest = alternatives;
      fewest = listed;
    }
    return rarest;
  }

  #listedBy(names: readonly string[]): number {
    return names.reduce((sum, name) => sum + (this.#lists.get(name)?.size ?? 0), 0);
  }
}

function bestOf({ classes }: Group): PendingTask | undefined {
  return classes.peek()?.tasks.peek();
}

function isBefore(a: PendingTask | undefined, b: PendingTask | undefined): boolean {
  return a !== undefined && (b === undefined || claimedBefore(a, b));
}

function classBefore(a: ClaimClass, b: ClaimClass): boolean {
  return isBefore(a.tasks.peek(), b.tasks.peek());
}

function groupBefore(a: Group, b: Group): boolean {
  return isBefore(bestOf(a), bestOf(b));
}
