/**
 * Matching: tasks that may be claimed go to agents that stand by. Of all tasks that any free offer may have, the best goes
 * first, in the order in which ClaimNextTask gives them out, and to the offer with the smallest turn. So what is chosen is a
 * function of the state alone, in however many steps; where to look for it is only a matter of work.
 */
import { claimClass, type PendingTask } from '../../protocol/documents.ts';
import { type Offer, offerKey } from '../../protocol/offers.ts';
import type { DomainEvent } from '../kernel/events.ts';
import { handedOver } from '../tasks/claims.ts';
import { handedBefore } from '../world/claimable-tasks.ts';
import { IndexedHeap } from '../world/indexed-heap.ts';
import type { PoolState } from '../world/pool-state.ts';
import { offerEnded, whyOver } from './ended.ts';
import type { OfferClass } from './offer-classes.ts';
import type { Stirred } from './standing-offers.ts';

/** Some of the tasks that might be handed over, with the best of them. */
interface Source {
  readonly key: string;
  readonly next: () => PendingTask | undefined;
  readonly task: PendingTask;
}

export class Matching {
  readonly #state: PoolState;
  readonly #now: number;
  readonly #sources = new IndexedHeap<Source>(sooner);
  /** Tasks that no free offer may have though their class fits one: they were given back. */
  readonly #passed = new Set<string>();

  constructor(state: PoolState, { isAll, tasks, offers }: Stirred, now: number) {
    this.#state = state;
    this.#now = now;
    const { classes } = state.offers;
    const isByOffers = isAll && classes.openClasses < state.pending.handableClassCount;
    if (!isAll || !isByOffers)
      for (const key of isAll ? state.pending.handableClasses() : tasks) this.#addTasks(key);
    if (!isAll || isByOffers)
      for (const entry of isAll ? classes.opened() : offers.flatMap((key) => classes.get(key) ?? []))
        this.#addOffers(entry);
  }

  /** The next match, as events; none when there is none. */
  next(): readonly DomainEvent[] {
    for (let source = this.#sources.peek(); source !== undefined; source = this.#sources.peek()) {
      const { task } = source;
      const isThere = this.#state.entities.task.get(task.taskId) === task;
      const offer = isThere ? this.#whoseTurn(task) : undefined;
      if (offer !== undefined) return this.#handOver(task, offer);
      if (isThere) this.#passed.add(task.taskId);
      this.#put(source);
    }
    return [];
  }

  #handOver(task: PendingTask, offer: Offer): readonly DomainEvent[] {
    const claimed = handedOver(task, offer, this.#state.doc, this.#now);
    if (offer.once !== true) return [claimed];
    return [claimed, offerEnded(this.#state, offer, 'taken')];
  }

  /** Time has ended some that stand: they are taken out, and that they have ended is said when a Sweep finds it. */
  #whoseTurn(task: PendingTask): Offer | undefined {
    const { offers } = this.#state;
    const isFor = ({ passed }: Offer): boolean => passed?.includes(task.taskId) !== true;
    const key = claimClass(task);
    for (;;) {
      const offer = offers.classes.first(key, task, isFor);
      if (offer === undefined || whyOver(this.#state, offer, this.#now) === undefined) return offer;
      offers.passOver(offerKey(offer));
    }
  }

  #addTasks(key: string): void {
    const { pending, offers } = this.#state;
    const next = (): PendingTask | undefined => {
      const task = pending.nextOf(key, this.#isWanted);
      return task === undefined || !offers.classes.hasOpen(key, task) ? undefined : task;
    };
    this.#put({ key: `t/${key}`, next });
  }

  #addOffers({ key, capabilities, topics, free }: OfferClass): void {
    const next = (): PendingTask | undefined =>
      free.size === 0 ? undefined : this.#state.pending.nextFor(capabilities, topics, this.#isWanted);
    this.#put({ key: `o/${key}`, next });
  }

  #put({ key, next }: Pick<Source, 'key' | 'next'>): void {
    const task = next();
    if (task === undefined) this.#sources.delete(key);
    else this.#sources.set(key, { key, next, task });
  }

  readonly #isWanted = ({ taskId, deadline = Number.POSITIVE_INFINITY }: PendingTask): boolean =>
    deadline > this.#now && !this.#passed.has(taskId);
}

/** Total: the same task may come from several sources. */
function sooner(a: Source, b: Source): boolean {
  return a.task === b.task ? a.key < b.key : handedBefore(a.task, b.task);
}
