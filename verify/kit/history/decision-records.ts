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
  /** Whose effect it is, in which pool. */
  readonly effect: string;
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
  /** Accepted ones by who made them and their ids, with their places. */
  readonly #accepted = new Map<string, Outcome[]>();

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
    this.#events.set(id, {
      place,
      type,
      actor,
      decisionId: causationid,
      effect: `${source} ${actor} ${causationid}`,
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
    if (outcome.status === 'accepted') {
      const name = nameOf(outcome);
      this.#accepted.set(name, [...(this.#accepted.get(name) ?? []), outcome]);
    }
    return true;
  }

  /** Compares what outcomes say with what events say; to be called when nothing more comes. */
  balance(): void {
    const placeOf = new Map<string, number>();
    for (const [id, event] of this.#events) {
      if (this.#isToldLater(id, event)) continue;
      const { effect, decisionId, place } = event;
      const before = placeOf.get(effect) ?? place.seq;
      placeOf.set(effect, before);
      if (before !== place.seq)
        this.#report('two_places', decisionId, `it has events at ${before} and at ${place.seq}`);
      this.#checkOwner(id, event);
    }
    for (const { outcome } of this.#decisions.values()) this.#checkOutcome(outcome);
  }

  /**
   * What follows from a decision can be told later: in a step of the system (a Sweep, or a message that has no outcome), and the
   * end of a claim or a stay also with the next decision that it concerns. It names the decision from which it follows.
   */
  #isToldLater(id: string, { type, place, actor, decisionId }: EventRecord): boolean {
    const teller = this.#places.get(place.seq);
    const isStep = this.#settles.has(place.seq) || teller?.type === 'Sweep';
    if (!isStep && !(ENDS_OF_STAYS.has(type) && teller?.events[place.n] === id)) return false;
    const causes = this.#accepted.get(nameOf({ agent: actor, decisionId })) ?? [];
    return causes.some(({ shard, seq }) => shard === place.shard && seq < place.seq);
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

/** What ends with a stay in a pool. */
const ENDS_OF_STAYS: ReadonlySet<string> = new Set([
  'converge.task.released',
  'converge.member.left',
  'converge.member.removed',
  'converge.member.expired',
]);

const CLAIMED = 'converge.task.claimed';

function nameOf({ agent, decisionId }: Pick<Outcome, 'agent' | 'decisionId'>): string {
  return `${agent} ${decisionId}`;
}

function keyOf({ pool, agent, decisionId }: Outcome): string {
  return decisionKey(pool, agent, decisionId);
}
