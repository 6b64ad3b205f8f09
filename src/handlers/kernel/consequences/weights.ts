/**
 * The weight of documents and events: approximately their bytes as JSON. A function of their content alone, so that a bound on it
 * falls at the same place on every replay. The parts of a document that stay (inputs, results, allowlists) are the same
 * objects from one version to the next, and are weighed once.
 */
import { MAX_EFFECT_BYTES, MAX_EFFECT_EVENTS } from '../../../protocol/limits.ts';
import { type Offer, offerKey } from '../../../protocol/offers.ts';
import type { AppliedEvent, World } from '../../world/world.ts';
import { kindOf } from '../entities.ts';
import { type DomainEvent, isMemberEvent, isOfferEvent, isTaskEvent } from '../events.ts';
import { weightOf } from './json-bytes.ts';

/** The document that an event has changed, as it is now; undefined when it is no more. */
function documentOf(world: World, pool: string, event: DomainEvent): object | undefined {
  const state = world.pool(pool);
  if (isMemberEvent(event)) return state?.members.get(event.id);
  if (isOfferEvent(event)) return state?.offers.get(event.id, event.data.offerId);
  const kind = kindOf(event);
  return kind === undefined ? state?.doc : state?.entities[kind].get(event.id);
}

/** The offers of who holds or held the task: what becomes of a claim may change them. */
function offersOf(world: World, pool: string, event: DomainEvent): readonly Offer[] {
  if (!isTaskEvent(event) || !('agent' in event.data) || event.data.agent === undefined) return NO_OFFERS;
  return world.pool(pool)?.offers.of(event.data.agent) ?? NO_OFFERS;
}

const NO_OFFERS: readonly Offer[] = [];

interface More {
  readonly events: number;
  readonly bytes: number;
  readonly documents: ReadonlyMap<string, number>;
}

/** Total weight of the effects of one message: events, and each changed document once. */
export class Effects {
  #events = 0;
  #bytes = 0;
  readonly #documents = new Map<string, number>();

  get events(): number {
    return this.#events;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds what was applied just now. */
  add(world: World, applied: readonly AppliedEvent[]): void {
    this.#take(this.#more(world, applied));
  }

  /** Adds it, unless it is too much together with what there is already; alone anything may be. */
  addIfItFits(world: World, applied: readonly AppliedEvent[]): boolean {
    const more = this.#more(world, applied);
    const isTooMuch =
      this.#events + more.events > MAX_EFFECT_EVENTS || this.#bytes + more.bytes > MAX_EFFECT_BYTES;
    if (isTooMuch && this.#events > 0) return false;
    this.#take(more);
    return true;
  }

  #take({ events, bytes, documents }: More): void {
    this.#events += events;
    this.#bytes += bytes;
    for (const [key, weight] of documents) this.#documents.set(key, weight);
  }

  #more(world: World, applied: readonly AppliedEvent[]): More {
    let bytes = 0;
    const documents = new Map<string, number>();
    for (const { pool, event } of applied) {
      bytes += weightOf(event.data);
      const key = `${pool}/${event.type.slice(0, event.type.indexOf('.'))}/${event.id}`;
      const before = documents.get(key) ?? this.#documents.get(key) ?? 0;
      const document = documentOf(world, pool, event);
      const weight = Math.max(before, document === undefined ? 0 : weightOf(document));
      documents.set(key, weight);
      bytes += weight - before;
      for (const offer of offersOf(world, pool, event)) {
        const ofOffer = `${pool}/${offerKey(offer)}`;
        const weighed = documents.get(ofOffer) ?? this.#documents.get(ofOffer) ?? 0;
        const grown = Math.max(weighed, weightOf(offer));
        documents.set(ofOffer, grown);
        bytes += grown - weighed;
      }
    }
    return { events: applied.length, bytes, documents };
  }
}
