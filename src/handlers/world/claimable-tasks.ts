/**
 * The tasks of a pool that anyone may claim, apart by how they may be handed over: as they come; after the others of their
 * priority, because the last time nobody began them; or not at all. For those who ask themselves they are one queue.
 */
import type { PendingTask } from '../../protocol/documents.ts';
import { PendingQueue } from './pending-queue.ts';
import { claimedBefore } from './requirement-index.ts';

export type Wanted = (task: PendingTask) => boolean;

/** Most pools have no tasks but the first. */
const TIERS = { first: 0, again: 1, withheld: 2 } as const;

export class ClaimableTasks {
  readonly #tiers: (PendingQueue | undefined)[] = [new PendingQueue()];

  get bytes(): number {
    let bytes = 0;
    for (const tier of this.#tiers) bytes += tier?.bytes ?? 0;
    return bytes;
  }

  add(task: PendingTask, isStored = true): void {
    const tier = tierOf(task, isStored);
    const queue = this.#tiers[tier] ?? new PendingQueue();
    this.#tiers[tier] = queue;
    queue.add(task, isStored);
  }

  remove(task: PendingTask, isStored = true): void {
    this.#tiers[tierOf(task, isStored)]?.remove(task, isStored);
  }

  /** Has it tasks that are stored as pending? */
  hasClass(key: string): boolean {
    return this.#tiers.some((tier) => tier?.hasClass(key) === true);
  }

  /** The best tasks for a member, in claiming order. */
  best(
    count: number,
    capabilities: ReadonlySet<string>,
    topics: ReadonlySet<string> | undefined,
    wanted: Wanted,
  ): PendingTask[] {
    const [first, ...others] = this.#tiers;
    const found = first?.best(count, capabilities, topics, wanted) ?? [];
    const more = others.flatMap((tier) =>
      tier === undefined || tier.isEmpty ? [] : tier.best(count, capabilities, topics, wanted),
    );
    if (more.length === 0) return found;
    return [...found, ...more].sort((a, b) => (claimedBefore(a, b) ? -1 : 1)).slice(0, count);
  }

  /** Classes that have tasks which may be handed over; some may come twice. */
  *handableClasses(): Generator<string, void, undefined> {
    yield* this.#tiers[TIERS.first]?.classKeys() ?? [];
    yield* this.#tiers[TIERS.again]?.classKeys() ?? [];
  }

  get handableClassCount(): number {
    return (this.#tiers[TIERS.first]?.classCount ?? 0) + (this.#tiers[TIERS.again]?.classCount ?? 0);
  }

  /** The task of a class that is handed over first. */
  nextOf(key: string, wanted: Wanted): PendingTask | undefined {
    return earlier(
      this.#tiers[TIERS.first]?.bestOf(key, wanted),
      this.#tiers[TIERS.again]?.bestOf(key, wanted),
    );
  }

  /** The task that is handed first to a member who can do all this. */
  nextFor(
    capabilities: ReadonlySet<string>,
    topics: ReadonlySet<string> | undefined,
    wanted: Wanted,
  ): PendingTask | undefined {
    const [first, again] = [this.#tiers[TIERS.first], this.#tiers[TIERS.again]];
    return earlier(
      first?.best(1, capabilities, topics, wanted)[0],
      again?.best(1, capabilities, topics, wanted)[0],
    );
  }
}

/** Which of two tasks is handed over first: by priority, then those that were never left unbegun, then as they were submitted. */
export function handedBefore(a: PendingTask, b: PendingTask): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  const [later, sooner] = [a.unstarted !== undefined, b.unstarted !== undefined];
  return later === sooner ? a.order < b.order : sooner;
}

function earlier(a: PendingTask | undefined, b: PendingTask | undefined): PendingTask | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return handedBefore(a, b) ? a : b;
}

/** One with a void claim that has not been told is handed over once that is: its document says so then. */
function tierOf(task: PendingTask, isStored: boolean): number {
  if (!isStored || task.handOver === false) return TIERS.withheld;
  return task.unstarted === undefined ? TIERS.first : TIERS.again;
}
