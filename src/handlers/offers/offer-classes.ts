/**
 * Offers by what decides which tasks they may have: the topics they name, and the capabilities of their agent. Which classes
 * of offers fit a class of tasks is worked out once and remembered, one bit for each; so whose turn it is, of however many
 * classes, is a look at a few hundred words and at one number for each class that fits and has a free offer.
 *
 * What is remembered is a function of the classes, and may be forgotten: only the amount of work depends on it.
 */
import type { PendingTask, Requirements } from '../../protocol/documents.ts';
import { type Offer, offerKey } from '../../protocol/offers.ts';
import { weightOfOfferClass } from '../quotas/weights.ts';
import { IndexedHeap } from '../world/indexed-heap.ts';
import { haveCommon, keepCommon, Slots, SlotsByName, setBit, WORD, wideEnough } from './slots.ts';

/** Offers with the same topics, of agents with the same capabilities. */
export interface OfferClass {
  readonly key: string;
  readonly slot: number;
  readonly topics: ReadonlySet<string> | undefined;
  readonly capabilities: ReadonlySet<string>;
  /** All that stand, by their keys. */
  readonly offers: Set<string>;
  /** Those that could be given a task, by turn. */
  readonly free: IndexedHeap<Offer>;
}

/** What decides which offers fit a task. */
export type Wanted = Pick<PendingTask, 'topic' | 'requiredCapabilities'>;

/** Which classes of offers fit a class of tasks, as they were when so many had been made. */
interface Fits {
  readonly bits: Uint32Array;
  readonly made: number;
}

/** Words of bits that are remembered in one pool, 8 MiB, and classes of tasks. */
const REMEMBERED_WORDS = 2_097_152;
const REMEMBERED_CLASSES = 20_000;

export class OfferClasses {
  readonly #byKey = new Map<string, OfferClass>();
  readonly #bySlot: (OfferClass | undefined)[] = [];
  readonly #unused: number[] = [];
  /** How many classes were ever made. */
  #made = 0;
  /** Those with a free offer; and the smallest turn in each. */
  #open: Uint32Array = new Uint32Array(1);
  #turns = new Float64Array(WORD).fill(Number.POSITIVE_INFINITY);
  /** The smallest turn of all classes of a word, so that most words need not be looked into. */
  #turnsOfWords = new Float64Array(1).fill(Number.POSITIVE_INFINITY);
  readonly #onAnyTopic = new Slots();
  readonly #onTopic = new SlotsByName();
  readonly #withCapability = new SlotsByName();
  readonly #fits = new Map<string, Fits>();
  #rememberedWords = 0;
  /** How many have a free offer. */
  openClasses = 0;
  /** What the classes take. */
  bytes = 0;

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): OfferClass | undefined {
    return this.#byKey.get(key);
  }

  /** The class of an offer; the offer stands in it from here on. */
  join(offer: Offer, key: string, capabilities: readonly string[]): OfferClass {
    const entry = this.#byKey.get(key) ?? this.#newClass(key, offer.topics, capabilities);
    entry.offers.add(offerKey(offer));
    return entry;
  }

  leave(entry: OfferClass, offer: Offer): void {
    this.close(entry, offer);
    entry.offers.delete(offerKey(offer));
    if (entry.offers.size === 0) this.#removeClass(entry);
  }

  /** The offer can be given a task. */
  open(entry: OfferClass, offer: Offer): void {
    entry.free.set(offerKey(offer), offer);
    this.#note(entry);
  }

  close(entry: OfferClass, offer: Offer): void {
    if (entry.free.delete(offerKey(offer))) this.#note(entry);
  }

  /** Classes with a free offer. */
  *opened(): Generator<OfferClass, void, undefined> {
    for (const entry of this.#bySlot) if (entry !== undefined && entry.free.size > 0) yield entry;
  }

  /** Could any free offer have tasks of this class? */
  hasOpen(claimClass: string, wanted: Wanted): boolean {
    return haveCommon(this.#fitting(claimClass, wanted), this.#open);
  }

  /** Of the free offers that fit, the one with the smallest turn that `isFor` lets have the task. */
  first(claimClass: string, wanted: Wanted, isFor: (offer: Offer) => boolean): Offer | undefined {
    const bits = this.#fitting(claimClass, wanted);
    const open = this.#open;
    const turns = this.#turns;
    const turnsOfWords = this.#turnsOfWords;
    let best: Offer | undefined;
    let turn = Number.POSITIVE_INFINITY;
    for (let at = 0; at < bits.length; at++) {
      if ((turnsOfWords[at] ?? turn) >= turn) continue;
      for (let word = (bits[at] ?? 0) & (open[at] ?? 0); word !== 0; word &= word - 1) {
        const slot = at * WORD + (WORD - 1 - Math.clz32(word & -word));
        if ((turns[slot] ?? turn) >= turn) continue;
        const found = firstIn(this.#bySlot[slot], turn, isFor);
        if (found === undefined) continue;
        best = found;
        turn = found.turn;
      }
    }
    return best;
  }

  #note({ slot, free }: OfferClass): void {
    const first = free.peek();
    const wasOpen = this.#turns[slot] !== Number.POSITIVE_INFINITY;
    this.openClasses += (first === undefined ? 0 : 1) - (wasOpen ? 1 : 0);
    setBit(this.#open, slot, first !== undefined);
    this.#turns[slot] = first?.turn ?? Number.POSITIVE_INFINITY;
    const at = Math.floor(slot / WORD);
    let least = Number.POSITIVE_INFINITY;
    for (const turn of this.#turns.subarray(at * WORD, (at + 1) * WORD)) if (turn < least) least = turn;
    this.#turnsOfWords[at] = least;
  }

  #newClass(key: string, topics: readonly string[] | undefined, names: readonly string[]): OfferClass {
    const slot = this.#unused.pop() ?? this.#bySlot.length;
    this.#open = wideEnough(this.#open, slot);
    if (slot >= this.#turns.length) {
      this.#turns = twice(this.#turns);
      this.#turnsOfWords = twice(this.#turnsOfWords);
    }
    const entry: OfferClass = {
      key,
      slot,
      topics: topics === undefined ? undefined : new Set(topics),
      capabilities: new Set(names),
      offers: new Set(),
      free: new IndexedHeap<Offer>((a, b) => a.turn < b.turn),
    };
    this.#made++;
    this.#turns[slot] = Number.POSITIVE_INFINITY;
    this.#byKey.set(key, entry);
    this.#bySlot[slot] = entry;
    this.bytes += weightOfOfferClass(entry);
    if (entry.topics === undefined) this.#onAnyTopic.add(slot);
    for (const topic of entry.topics ?? []) this.#onTopic.add(topic, slot);
    for (const name of entry.capabilities) this.#withCapability.add(name, slot);
    return entry;
  }

  #removeClass(entry: OfferClass): void {
    const { slot } = entry;
    this.#byKey.delete(entry.key);
    this.#bySlot[slot] = undefined;
    this.#unused.push(slot);
    this.bytes -= weightOfOfferClass(entry);
    if (entry.topics === undefined) this.#onAnyTopic.delete(slot);
    for (const topic of entry.topics ?? []) this.#onTopic.delete(topic, slot);
    for (const name of entry.capabilities) this.#withCapability.delete(name, slot);
  }

  /** A class that has gone is not open; one that came since then is not in what is remembered. */
  #fitting(claimClass: string, wanted: Wanted): Uint32Array {
    const known = this.#fits.get(claimClass);
    if (known?.made === this.#made) return known.bits;
    const bits = this.#workOut(wanted);
    this.#remember(claimClass, { bits, made: this.#made });
    return bits;
  }

  #workOut({ topic, requiredCapabilities }: Wanted): Uint32Array {
    const { length } = this.#open;
    const bits = new Uint32Array(length);
    // A task without a topic is for those that name none.
    this.#onAnyTopic.addTo(bits);
    if (topic !== undefined) this.#onTopic.get(topic)?.addTo(bits);
    for (const names of this.#rarestFirst(requiredCapabilities)) {
      const having = new Uint32Array(length);
      for (const name of names) this.#withCapability.get(name)?.addTo(having);
      if (!keepCommon(bits, having)) break;
    }
    return bits;
  }

  #rarestFirst(requirements: Requirements): Requirements {
    if (requirements.length < 2) return requirements;
    const counted = requirements.map((names) => ({ names, count: this.#withCapability.count(names) }));
    return counted.sort((a, b) => a.count - b.count).map(({ names }) => names);
  }

  #remember(claimClass: string, fits: Fits): void {
    this.#rememberedWords += fits.bits.length - (this.#fits.get(claimClass)?.bits.length ?? 0);
    this.#fits.delete(claimClass);
    this.#fits.set(claimClass, fits);
    for (const [key, { bits }] of this.#fits) {
      if (this.#rememberedWords <= REMEMBERED_WORDS && this.#fits.size <= REMEMBERED_CLASSES) return;
      this.#fits.delete(key);
      this.#rememberedWords -= bits.length;
    }
  }
}

/** With no turns in what is added: no class stands there. */
function twice(turns: Float64Array): Float64Array<ArrayBuffer> {
  const doubled = new Float64Array(turns.length * 2).fill(Number.POSITIVE_INFINITY);
  doubled.set(turns);
  return doubled;
}

/** The first that may have it, of those with a smaller turn than the best of other classes. */
function firstIn(
  entry: OfferClass | undefined,
  turn: number,
  isFor: (offer: Offer) => boolean,
): Offer | undefined {
  const first = entry?.free.peek();
  if (first === undefined || isFor(first)) return first;
  for (const offer of entry?.free.inOrder() ?? []) {
    if (offer.turn >= turn) return undefined;
    if (isFor(offer)) return offer;
  }
  return undefined;
}
