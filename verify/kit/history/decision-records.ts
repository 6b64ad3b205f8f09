/** Decisions as their outcomes tell of them: one each, and together they own every event. */
import { decisionKey, type Outcome } from '../../../src/protocol/outcome.ts';
import { canonical, digestOf } from './digest.ts';
import { effectsMissing, tellsOf } from './effects.ts';
import type { EventPlace } from './event-order.ts';
import type { SeenEvent } from './seen-event.ts';
import type { Report } from './violation.ts';

interface DecisionRecord {
  readonly outcome: Outcome;
  readonly digest: string;
}

/** What of an event the balance at the end needs. */
interface EventRecord {
  readonly place: EventPlace;
  readonly type: string;
  readonly actor: string;
  readonly decisionId: string;
  readonly claim: string;
}

export class DecisionRecords {
  readonly #report: Report;
  readonly #decisions = new Map<string, DecisionRecord>();
  /** By place in the log. */
  readonly #places = new Map<number, Outcome>();
  readonly #events = new Map<string, EventRecord>();
  /** By place in the log, the ids of steps in which the system settled what it owed. */
  readonly #settles = new Map<number, string>();
  /** Where the events of a decision come from. */
  readonly #causes = new Map<string, number>();

  constructor(report: Report) {
    this.#report = report;
  }

  get count(): number {
    return this.#decisions.size;
  }

  takeSettle(seq: number, id: string): void {
    this.#settles.set(seq, id);
  }

  takeEvent(event: SeenEvent, place: EventPlace): void {
    const { id, type, source, actor, causationid, subject, data } = event;
    if (actor === SYSTEM && this.#settles.get(place.seq) === causationid) return;
    const effect = `${source} ${actor} ${causationid}`;
    const before = this.#causes.get(effect) ?? place.seq;
    if (before !== place.seq) {
      this.#report('two_places', causationid, `it has events at ${before} and at ${place.seq}`);
    }
    this.#causes.set(effect, before);
    this.#events.set(id, {
      place,
      type,
      actor,
      decisionId: causationid,
      claim: `${subject.slice('task/'.length)}#${String(data.epoch)}`,
    });
  }

  /** False for an outcome that is known already. */
  takeOutcome(outcome: Outcome): boolean {
    const key = keyOf(outcome);
    const digest = digestOf(canonical(outcome));
    const known = this.#decisions.get(key);
    if (known !== undefined) {
      if (known.digest !== digest) {
        this.#report('outcome_changed', key, `${known.outcome.status} first, ${outcome.status} later`);
      }
      return false;
    }
    this.#decisions.set(key, { outcome, digest });
    const other = this.#places.get(outcome.seq);
    if (other !== undefined) {
      const taken = keyOf(other);
      this.#report('place_taken', key, `${taken} is at place ${outcome.seq} of the log, too`);
    }
    this.#places.set(outcome.seq, outcome);
    return true;
  }

  /** Compares what outcomes say with what events say; to be called when nothing more comes. */
  balance(): void {
    for (const [id, event] of this.#events) this.#checkOwner(id, event);
    for (const { outcome } of this.#decisions.values()) this.#checkOutcome(outcome);
  }

  /** An event tells the actor and the id of its decision, and its own id tells the place: what a sweep does is not of its pool. */
  #checkOwner(id: string, { place, type, actor, decisionId }: EventRecord): void {
    const owner = this.#places.get(place.seq);
    if (owner?.agent !== actor || owner.decisionId !== decisionId) {
      this.#report('event_unowned', id, `${type}: nothing is known of decision ${decisionId} of ${actor}`);
      return;
    }
    const isAtItsPlace = owner.shard === place.shard && owner.at === place.at;
    if (!isAtItsPlace || owner.events[place.n] !== id) {
      this.#report('event_unowned', id, `${type}: decision ${decisionId} of ${actor} does not name it`);
    }
  }

  #checkOutcome(outcome: Outcome): void {
    const key = keyOf(outcome);
    if (outcome.status === 'rejected') {
      if (outcome.events.length > 0) {
        this.#report('rejected_with_events', key, `${outcome.code}, and yet ${outcome.events.join(', ')}`);
      }
      return;
    }
    const lost = outcome.events.filter((id) => !this.#events.has(id));
    if (lost.length > 0) this.#report('event_missing', key, `${outcome.type}: ${lost.join(', ')}`);
    else this.#checkEffects(key, outcome);
  }

  #checkEffects(key: string, outcome: Outcome): void {
    const events = outcome.events.flatMap((id) => this.#events.get(id) ?? []);
    const types = events.map(({ type }) => type);
    for (const what of effectsMissing(outcome, types)) this.#report('accepted_without_effect', key, what);
    const claimed = new Set(events.flatMap(({ type, claim }) => (type === CLAIMED ? [claim] : [])));
    const untrue = tellsOf(outcome).filter((claim) => !claimed.has(claim));
    if (untrue.length > 0) {
      this.#report('accepted_without_effect', key, `${outcome.type} told of ${untrue.join(', ')}`);
    }
  }
}

/** Who speaks for the system itself. */
const SYSTEM = '_sweeper';

const CLAIMED = 'converge.task.claimed';

function keyOf({ pool, agent, decisionId }: Outcome): string {
  return decisionKey(pool, agent, decisionId);
}
