/** Whether events tell of a history that the rules allow, judged from the events alone. */
import { EventOrder, type EventPlace } from './event-order.ts';
import { PoolHistory } from './pool-history.ts';
import type { SeenEvent } from './seen-event.ts';
import { SharedHistory } from './shared-history.ts';
import { TaskHistory } from './task-history.ts';
import type { Report } from './violation.ts';

export class EventHistory {
  readonly tasks: TaskHistory;
  readonly order: EventOrder;
  readonly #pools: PoolHistory;
  readonly #shared: SharedHistory;

  constructor(report: Report) {
    this.order = new EventOrder(report);
    this.#pools = new PoolHistory(report);
    this.tasks = new TaskHistory(report, (pool) => this.#pools.isPaused(pool));
    this.#shared = new SharedHistory(report);
  }

  /** The place of an event that is new; undefined for one that came before, or is no event at all. */
  take(event: SeenEvent): EventPlace | undefined {
    const place = this.order.take(event);
    if (place === undefined) return undefined;
    this.#pools.follow(event, place);
    if (event.type.startsWith('converge.task.')) this.tasks.follow(event, place);
    else this.#shared.follow(event, place);
    return place;
  }
}
