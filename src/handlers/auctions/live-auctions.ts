import type { Auction } from '../../protocol/auctions.ts';
import { isFinal, type Task } from '../../protocol/documents.ts';
import { IndexedHeap } from '../world/indexed-heap.ts';

/**
 * The auctions of a pool that are open, or whose winner has not started yet; and of those with a task, which have
 * yet to be told what became of it. All of it is a function of the documents.
 */
export class LiveAuctions {
  readonly #live = new Map<string, Auction>();
  readonly #byTask = new Map<string, string>();
  readonly #untold = new IndexedHeap<Auction>((a, b) => a.order < b.order);

  get size(): number {
    return this.#live.size;
  }

  /** The auction that gives this task away. */
  ofTask(taskId: string): Auction | undefined {
    const id = this.#byTask.get(taskId);
    return id === undefined ? undefined : this.#live.get(id);
  }

  put(id: string, after: Auction | undefined): void {
    const before = this.#live.get(id);
    if (before?.taskId !== undefined) this.#byTask.delete(before.taskId);
    this.#live.delete(id);
    if (after === undefined || after.finishedAt !== undefined) return;
    this.#live.set(id, after);
    if (after.taskId !== undefined) this.#byTask.set(after.taskId, id);
  }

  /** Those that give a task away. */
  *ofTasks(): Generator<Auction> {
    for (const id of this.#byTask.values()) {
      const auction = this.#live.get(id);
      if (auction !== undefined) yield auction;
    }
  }

  /**
   * Looks again at what the task of an auction has come to; returns whether an event of the auction is still to come. Where nothing is
   * handed out, what would hand the task to the next bidder waits.
   */
  look(id: string, task: Task | undefined, handsOut = true): boolean {
    const auction = this.#live.get(id);
    const isUntold =
      auction !== undefined && hasToBeTold(auction, task) && (handsOut || !goesToTheNext(auction, task));
    if (isUntold) this.#untold.set(id, auction);
    else this.#untold.delete(id);
    return isUntold;
  }

  untoldIds(): readonly string[] {
    return this.#untold.first(Number.POSITIVE_INFINITY).map(({ id }) => id);
  }

  get hasUntold(): boolean {
    return this.#untold.size > 0;
  }

  /** Of those that have yet to be told, the one that was opened first. */
  firstUntold(): Auction | undefined {
    return this.#untold.peek();
  }
}

/** The winner gave the task back, and it is still the auction's to give away. */
export function goesToTheNext({ id, state }: Auction, task: Task | undefined): boolean {
  return state === 'awarded' && task?.state === 'pending' && task.auction === id;
}

/** A task that has ended may have left the memory: that it is gone says the same. */
function hasToBeTold(auction: Auction, task: Task | undefined): boolean {
  if (auction.taskId === undefined) return false;
  if (auction.state === 'open') return task === undefined || isFinal(task);
  return task?.state !== 'assigned';
}
