/**
 * Says whether a history is one that the protocol allows. It is given what any subscriber can see, the event stream and
 * the outcomes, in the order in which they arrive, and it imports nothing of the system but the form of these two.
 */
import type { Outcome } from '../../../src/protocol/outcome.ts';
import { DecisionRecords } from './decision-records.ts';
import { EventHistory } from './event-history.ts';
import type { SeenEvent } from './seen-event.ts';
import type { Report, Violation } from './violation.ts';

export interface CheckReport {
  readonly violations: readonly Violation[];
  /** Decisions whose outcome is known, and events without repeats. */
  readonly decisions: number;
  readonly events: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly unfinished: number;
  readonly claims: number;
  readonly claimsExpired: number;
  readonly retries: number;
  /** Sweeps that the system made. */
  readonly sweeps: number;
}

export class HistoryChecker {
  readonly #violations: Violation[] = [];
  readonly #report: Report = (rule, where, what) => void this.#violations.push({ rule, where, what });
  readonly #history = new EventHistory(this.#report);
  readonly #decisions = new DecisionRecords(this.#report);
  #sweeps = 0;

  onEvent(event: SeenEvent): void {
    const place = this.#history.take(event);
    if (place === undefined) return;
    this.#decisions.takeEvent(event, place);
  }

  /** A step in which the system tells what it owes, as the log holds it: its events have no outcome that names them. */
  onSettle(seq: number, id: string): void {
    this.#decisions.takeSettle(seq, id);
  }

  onOutcome(outcome: Outcome): void {
    if (this.#decisions.takeOutcome(outcome) && outcome.type === 'Sweep' && outcome.status === 'accepted') {
      this.#sweeps++;
    }
  }

  /** How a task stands: `waiting`, `pending`, `held` or how it ended; undefined before its submission. */
  stateOf(pool: string, taskId: string): string | undefined {
    return this.#history.tasks.stateOf(pool, taskId);
  }

  /** Number of the latest event of each pool. */
  poolNumbers(): Map<string, number> {
    return this.#history.order.numbers();
  }

  /** To be called once, when nothing more comes. */
  report(): CheckReport {
    this.#decisions.balance();
    const { expired, retried, ...counts } = this.#history.tasks.summary();
    return {
      violations: this.#violations,
      decisions: this.#decisions.count,
      events: this.#history.order.count,
      ...counts,
      claimsExpired: expired,
      retries: retried,
      sweeps: this.#sweeps,
    };
  }
}
