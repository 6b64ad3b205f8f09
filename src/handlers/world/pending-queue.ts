import { claimClass, type PendingTask, type Requirements, satisfies } from '../../protocol/documents.ts';
import { pushAll } from '../../protocol/lists.ts';
import { CLASS_BYTES, LISTING_BYTES } from '../quotas/weights.ts';
import { IndexedHeap } from './indexed-heap.ts';

interface ClaimClass {
  readonly key: string;
  readonly topic: string | undefined;
  readonly requirements: Requirements;
  readonly tasks: IndexedHeap<PendingTask>;
  /** The heaps that the class stands in; the order in them is that of the classes' best tasks. */
  readonly listedIn: readonly IndexedHeap<ClaimClass>[];
}

/** Which claims come first: higher priority, then earlier submission. */
export function claimedBefore(a: PendingTask, b: PendingTask): boolean {
  return a.priority !== b.priority ? a.priority > b.priority : a.order < b.order;
}

function bestBefore(a: ClaimClass, b: ClaimClass): boolean {
  const first = a.tasks.peek();
  const second = b.tasks.peek();
  return first !== undefined && (second === undefined || claimedBefore(first, second));
}

/** Classes that ask for no capability are listed under this name, which no capability can have. */
const NOTHING = '';

/**
 * The pending tasks of one pool, kept by claim class (same topic, same requirements): whether a member may claim is
 * decided once for a class and never for each of its tasks. Classes are listed by what their first requirement asks
 * for, and by topic, the one with the best task first: looking ends where nothing better can follow, so that neither
 * many classes nor such as the member cannot claim from are gone through.
 */
export class PendingQueue {
  /** What the classes take, whoever's tasks are in them. */
  bytes = 0;
  readonly #classes = new Map<string, ClaimClass>();
  readonly #byCapability = new Map<string, IndexedHeap<ClaimClass>>();
  readonly #byTopic = new Map<string, IndexedHeap<ClaimClass>>();

  add(task: PendingTask): void {
    const key = claimClass(task);
    const entry = this.#classes.get(key) ?? this.#newClass(key, task);
    const best = entry.tasks.peek();
    entry.tasks.set(task.taskId, task);
    if (best === undefined || claimedBefore(task, best)) relist(entry);
  }

  remove(task: PendingTask): void {
    const entry = this.#classes.get(claimClass(task));
    if (entry === undefined) return;
    const wasBest = entry.tasks.peek()?.taskId === task.taskId;
    entry.tasks.delete(task.taskId);
    if (entry.tasks.size === 0) this.#removeClass(entry);
    else if (wasBest) relist(entry);
  }

  hasClass(key: string): boolean {
    return this.#classes.has(key);
  }

  /** The best tasks for a member, in claiming order. */
  best(
    count: number,
    capabilities: ReadonlySet<string>,
    topics: ReadonlySet<string> | undefined,
    wanted: (task: PendingTask) => boolean,
  ): PendingTask[] {
    const lists = topics === undefined ? this.#listsFor(capabilities) : this.#listsOn(topics);
    const seen = new Set<string>();
    let found: PendingTask[] = [];
    for (const list of lists) {
      const looked: ClaimClass[] = [];
      for (let entry = list.peek(); entry !== undefined; entry = list.peek()) {
        const last = found[count - 1];
        const next = entry.tasks.peek();
        if (last !== undefined && next !== undefined && claimedBefore(last, next)) break;
        list.delete(entry.key);
        looked.push(entry);
        if (seen.has(entry.key) || !satisfies(capabilities, entry.requirements)) continue;
        seen.add(entry.key);
        pushAll(found, entry.tasks.first(count, wanted));
        if (seen.size > 1) found = found.sort((a, b) => (claimedBefore(a, b) ? -1 : 1)).slice(0, count);
      }
      for (const entry of looked) list.set(entry.key, entry);
    }
    return found;
  }

  *#listsFor(capabilities: ReadonlySet<string>): Generator<IndexedHeap<ClaimClass>> {
    for (const name of [NOTHING, ...capabilities]) {
      const list = this.#byCapability.get(name);
      if (list !== undefined) yield list;
    }
  }

  *#listsOn(topics: ReadonlySet<string>): Generator<IndexedHeap<ClaimClass>> {
    for (const topic of topics) {
      const list = this.#byTopic.get(topic);
      if (list !== undefined) yield list;
    }
  }

  #newClass(key: string, { topic, requiredCapabilities }: PendingTask): ClaimClass {
    const names = requiredCapabilities[0] ?? [NOTHING];
    const listedIn = names.map((name) => listOf(this.#byCapability, name));
    if (topic !== undefined) listedIn.push(listOf(this.#byTopic, topic));
    const tasks = new IndexedHeap<PendingTask>(claimedBefore);
    const entry = { key, topic, requirements: requiredCapabilities, tasks, listedIn };
    this.#classes.set(key, entry);
    this.bytes += weightOfClass(entry);
    return entry;
  }

  #removeClass(entry: ClaimClass): void {
    const { key, topic, requirements, listedIn } = entry;
    this.#classes.delete(key);
    this.bytes -= weightOfClass(entry);
    for (const list of listedIn) list.delete(key);
    for (const name of requirements[0] ?? [NOTHING]) dropIfEmpty(this.#byCapability, name);
    if (topic !== undefined) dropIfEmpty(this.#byTopic, topic);
  }
}

function weightOfClass({ listedIn }: ClaimClass): number {
  return CLASS_BYTES + LISTING_BYTES * listedIn.length;
}

/** The best task of the class is another one: its places change. Alone in a list it has no other. */
function relist(entry: ClaimClass): void {
  for (const list of entry.listedIn) {
    if (list.size !== 1 || list.peek() !== entry) list.set(entry.key, entry);
  }
}

function listOf(lists: Map<string, IndexedHeap<ClaimClass>>, name: string): IndexedHeap<ClaimClass> {
  const list = lists.get(name) ?? new IndexedHeap<ClaimClass>(bestBefore);
  lists.set(name, list);
  return list;
}

function dropIfEmpty(lists: Map<string, IndexedHeap<ClaimClass>>, name: string): void {
  if (lists.get(name)?.size === 0) lists.delete(name);
}
