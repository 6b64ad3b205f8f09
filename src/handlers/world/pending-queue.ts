import { claimClass, type PendingTask } from '../../protocol/documents.ts';
import { CLASS_BYTES, LISTING_BYTES } from '../quotas/weights.ts';
import { IndexedHeap } from './indexed-heap.ts';
import { type ClaimClass, claimedBefore, RequirementIndex } from './requirement-index.ts';

/**
 * The pending tasks of one pool, kept by claim class (same topic, same requirements): whether a member may claim is
 * decided once for many tasks and never for each of them. There is one index of all classes, and one for each topic.
 */
export class PendingQueue {
  /** Size of the classes, over the tasks of all agents. */
  bytes = 0;
  readonly #classes = new Map<string, ClaimClass>();
  /** By class, how many of its tasks are stored as pending; with a void claim that has not been told one is not. */
  readonly #stored = new Map<string, number>();
  readonly #all = new RequirementIndex();
  readonly #byTopic = new Map<string, RequirementIndex>();

  add(task: PendingTask, isStored = true): void {
    const key = claimClass(task);
    if (isStored) this.#count(key, 1);
    const entry = this.#classes.get(key) ?? this.#newClass(key, task);
    const best = entry.tasks.peek();
    entry.tasks.set(task.taskId, task);
    if (best === undefined || claimedBefore(task, best)) this.#relist(entry);
  }

  remove(task: PendingTask, isStored = true): void {
    const key = claimClass(task);
    if (isStored) this.#count(key, -1);
    const entry = this.#classes.get(key);
    if (entry === undefined) return;
    const wasBest = entry.tasks.peek()?.taskId === task.taskId;
    entry.tasks.delete(task.taskId);
    if (entry.tasks.size === 0) this.#removeClass(entry);
    else if (wasBest) this.#relist(entry);
  }

  /** Has it tasks that are stored as pending? */
  hasClass(key: string): boolean {
    return this.#stored.has(key);
  }

  #count(key: string, by: 1 | -1): void {
    const count = (this.#stored.get(key) ?? 0) + by;
    if (count === 0) this.#stored.delete(key);
    else this.#stored.set(key, count);
  }

  get isEmpty(): boolean {
    return this.#classes.size === 0;
  }

  /** How many classes have tasks. */
  get classCount(): number {
    return this.#classes.size;
  }

  classKeys(): Iterable<string> {
    return this.#classes.keys();
  }

  /** The best task of one class, in claiming order. */
  bestOf(key: string, wanted: (task: PendingTask) => boolean): PendingTask | undefined {
    const tasks = this.#classes.get(key)?.tasks;
    const first = tasks?.peek();
    return first === undefined || wanted(first) ? first : tasks?.first(1, wanted)[0];
  }

  /** The best tasks for a member, in claiming order. */
  best(
    count: number,
    capabilities: ReadonlySet<string>,
    topics: ReadonlySet<string> | undefined,
    wanted: (task: PendingTask) => boolean,
  ): PendingTask[] {
    let found: PendingTask[] = [];
    const isGoodEnough = (best: PendingTask): boolean => {
      const last = found[count - 1];
      return last !== undefined && claimedBefore(last, best);
    };
    for (const index of this.#indexesFor(topics)) {
      for (const entry of index.claimable(capabilities, isGoodEnough)) {
        const more = entry.tasks.first(count, wanted);
        found =
          found.length === 0
            ? more
            : found
                .concat(more)
                .sort((a, b) => (claimedBefore(a, b) ? -1 : 1))
                .slice(0, count);
      }
    }
    return found;
  }

  *#indexesFor(topics: ReadonlySet<string> | undefined): Generator<RequirementIndex> {
    if (topics === undefined) yield this.#all;
    for (const topic of topics ?? []) {
      const index = this.#byTopic.get(topic);
      if (index !== undefined) yield index;
    }
  }

  #newClass(key: string, { topic, requiredCapabilities }: PendingTask): ClaimClass {
    const tasks = new IndexedHeap<PendingTask>(claimedBefore);
    const entry = { key, topic, requirements: requiredCapabilities, tasks };
    this.#classes.set(key, entry);
    this.bytes += weightOfClass(entry);
    return entry;
  }

  /** The best task of the class is another one, or it has its first: its places change. */
  #relist(entry: ClaimClass): void {
    this.#all.put(entry);
    if (entry.topic === undefined) return;
    const index = this.#byTopic.get(entry.topic) ?? new RequirementIndex();
    this.#byTopic.set(entry.topic, index);
    index.put(entry);
  }

  #removeClass(entry: ClaimClass): void {
    this.#classes.delete(entry.key);
    this.bytes -= weightOfClass(entry);
    this.#all.remove(entry);
    if (entry.topic === undefined) return;
    const index = this.#byTopic.get(entry.topic);
    index?.remove(entry);
    if (index?.isEmpty === true) this.#byTopic.delete(entry.topic);
  }
}

/** By what it could be listed at most: where it is depends on what else there is, and a weight must not. */
function weightOfClass({ topic, requirements }: ClaimClass): number {
  const widest = requirements.reduce((most, alternatives) => Math.max(most, alternatives.length), 1);
  return CLASS_BYTES + LISTING_BYTES * widest * (topic === undefined ? 1 : 2);
}
