import { claimClass, type PendingTask, type Requirements, satisfies } from '../../protocol/documents.ts';
import { IndexedHeap } from './indexed-heap.ts';

interface ClaimClass {
  readonly topic: string | undefined;
  readonly requirements: Requirements;
  readonly tasks: IndexedHeap<PendingTask>;
}

/** Which claims come first: higher priority, then earlier submission. */
export function claimedBefore(a: PendingTask, b: PendingTask): boolean {
  return a.priority !== b.priority ? a.priority > b.priority : a.order < b.order;
}

/**
 * The pending tasks of one pool, kept by claim class (same topic, same requirements): whether a member may claim is
 * decided once for a class and never for each of its tasks.
 */
export class PendingQueue {
  readonly #classes = new Map<string, ClaimClass>();

  add(task: PendingTask): void {
    const key = claimClass(task);
    let entry = this.#classes.get(key);
    if (entry === undefined) {
      entry = {
        topic: task.topic,
        requirements: task.requiredCapabilities,
        tasks: new IndexedHeap<PendingTask>(claimedBefore),
      };
      this.#classes.set(key, entry);
    }
    entry.tasks.set(task.taskId, task);
  }

  remove(task: PendingTask): void {
    const key = claimClass(task);
    const entry = this.#classes.get(key);
    if (entry === undefined) return;
    entry.tasks.delete(task.taskId);
    if (entry.tasks.size === 0) this.#classes.delete(key);
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
    const found: PendingTask[] = [];
    for (const entry of this.#classes.values()) {
      if (topics !== undefined && (entry.topic === undefined || !topics.has(entry.topic))) continue;
      if (!satisfies(capabilities, entry.requirements)) continue;
      found.push(...entry.tasks.first(count, wanted));
    }
    return found.sort((a, b) => (claimedBefore(a, b) ? -1 : 1)).slice(0, count);
  }
}
