import type { BlockedTask, FinalTask, Task } from '../../protocol/documents.ts';
import { IndexedHeap } from './indexed-heap.ts';

/** Blocked tasks by what they wait for, and which of that has ended. All of it is a function of the documents. */
export class Dependents {
  /** Ended tasks that blocked ones still wait for, in the order in which they ended. */
  readonly unsettled = new IndexedHeap<FinalTask>(endedBefore);
  /** In order of submission. */
  readonly #waiting = new Map<string, IndexedHeap<BlockedTask>>();
  readonly #tasks: ReadonlyMap<string, Task>;

  constructor(tasks: ReadonlyMap<string, Task>) {
    this.#tasks = tasks;
  }

  has(taskId: string): boolean {
    return this.#waiting.has(taskId);
  }

  /** Of the blocked tasks that wait for this one, the one that was submitted first. */
  firstOf(taskId: string): BlockedTask | undefined {
    return this.#waiting.get(taskId)?.peek();
  }

  add(dependent: BlockedTask): void {
    for (const id of dependent.waitingFor) {
      const waiting = this.#waiting.get(id) ?? new IndexedHeap<BlockedTask>(submittedBefore);
      waiting.set(dependent.taskId, dependent);
      this.#waiting.set(id, waiting);
      this.look(id);
    }
  }

  remove(dependent: BlockedTask): void {
    for (const id of dependent.waitingFor) {
      const waiting = this.#waiting.get(id);
      waiting?.delete(dependent.taskId);
      if (waiting?.size === 0) this.#waiting.delete(id);
      this.look(id);
    }
  }

  /** The task, or who waits for it, has changed. */
  look(taskId: string): void {
    const task = this.#tasks.get(taskId);
    if (!this.has(taskId) || task?.finishedAt === undefined) this.unsettled.delete(taskId);
    else if (this.unsettled.get(taskId) !== task) this.unsettled.set(taskId, task);
  }
}

/** Total: of tasks that ended in the same millisecond it goes by their ids. */
export function endedBefore(a: FinalTask, b: FinalTask): boolean {
  return a.finishedAt !== b.finishedAt ? a.finishedAt < b.finishedAt : a.taskId < b.taskId;
}

export function submittedBefore(a: Task, b: Task): boolean {
  return a.order < b.order;
}
