/**
 * The standing offers of a pool, and what may have become possible since they were last looked at. All of it but the latter is a
 * function of the documents; between two messages nothing is possible, unless nothing may be handed over, or a match is due.
 */
import { claimClass, type Task } from '../../protocol/documents.ts';
import { MAX_OFFER_CLASSES } from '../../protocol/limits.ts';
import { type Offer, offerKey } from '../../protocol/offers.ts';
import { IndexedHeap } from '../world/indexed-heap.ts';
import { type OfferClass, OfferClasses } from './offer-classes.ts';

/** How the agent of some offers stands in the pool. */
export interface AgentStanding {
  readonly capabilities: readonly string[];
  /** A fence has ended it. */
  readonly isVoid: (offer: Offer) => boolean;
  readonly held: number;
  /** The most claims that pool and system let it hold. */
  readonly most: number;
}

interface Entry {
  readonly offer: Offer;
  /** None for one that is void. */
  readonly of: OfferClass | undefined;
  readonly capabilities: readonly string[] | undefined;
  readonly topics: readonly string[] | undefined;
}

/** An offer ends when its agent has not begun so many tasks in a row. */
const MOST_MISSED = 2;

/** Beyond so many classes everything is looked at: which of them it was says little then. */
const MAX_STIRRED = 1_000;

const NOTHING: readonly never[] = [];

interface Held {
  readonly entries: Map<string, Entry>;
  readonly ofAgent: Map<string, Set<string>>;
  /** Those that end because nothing was begun. */
  readonly failing: IndexedHeap<string>;
  readonly classes: OfferClasses;
  /** Classes of tasks, and of offers, in which something has become possible. */
  readonly stirredTasks: Set<string>;
  readonly stirredOffers: Set<string>;
}

export class StandingOffers {
  /** Most pools have none: what there is to hold them comes with the first. */
  #held: Held | undefined;
  /** Everything has to be looked at. */
  #isAllStirred = false;
  /** Nothing may be handed over at present, whatever fits. */
  #isBlocked = false;
  /** A message has matched as much as one may, and there may be more. Undefined until the first look after loading. */
  isDue: boolean | undefined;
  readonly #onStir: () => void;

  constructor(onStir: () => void) {
    this.#onStir = onStir;
  }

  get size(): number {
    return this.#held?.entries.size ?? 0;
  }

  /** In which classes offers stand: what they take besides themselves is counted for all. */
  get classes(): OfferClasses {
    return this.#holding.classes;
  }

  get #holding(): Held {
    this.#held ??= {
      entries: new Map(),
      ofAgent: new Map(),
      failing: new IndexedHeap<string>((a, b) => a < b),
      classes: new OfferClasses(),
      stirredTasks: new Set(),
      stirredOffers: new Set(),
    };
    return this.#held;
  }

  has(agent: string): boolean {
    return this.#held?.ofAgent.has(agent) === true;
  }

  get(agent: string, offerId: string): Offer | undefined {
    return this.byKey(offerKey({ agent, offerId }));
  }

  byKey(key: string): Offer | undefined {
    return this.#held?.entries.get(key)?.offer;
  }

  keys(): readonly string[] {
    return [...(this.#held?.entries.keys() ?? NOTHING)].sort();
  }

  agents(): Iterable<string> {
    return this.#held?.ofAgent.keys() ?? NOTHING;
  }

  /** The first by its key of those that end because nothing was begun. */
  get firstFailing(): Offer | undefined {
    const key = this.#held?.failing.peek();
    return key === undefined ? undefined : this.byKey(key);
  }

  /** What the classes take besides the offers. */
  get bytes(): number {
    return this.#held?.classes.bytes ?? 0;
  }

  /** The offers of an agent by their names, void ones among them. */
  of(agent: string): readonly Offer[] {
    const keys = this.#held?.ofAgent.get(agent);
    if (keys === undefined) return NOTHING;
    return [...keys].sort().flatMap((key) => this.byKey(key) ?? NOTHING);
  }

  *all(): Generator<Offer, void, undefined> {
    for (const { offer } of this.#held?.entries.values() ?? NOTHING) yield offer;
  }

  /** What stands here becomes this; how its agent stands has to be looked at afterwards. */
  put(key: string, after: Offer | undefined): Offer | undefined {
    const { entries, failing } = this.#holding;
    const entry = entries.get(key);
    if (after === undefined) {
      if (entry !== undefined) this.#remove(key, entry);
    } else {
      if (entry === undefined) this.#listOf(after.agent).add(key);
      if ((after.missed ?? 0) >= MOST_MISSED) failing.set(key, key);
      else failing.delete(key);
      entries.set(key, { ...(entry ?? NEW), offer: after });
      if (entry?.offer.passed !== after.passed && entry?.of !== undefined) this.#stirOffers(entry.of.key);
    }
    return entry?.offer;
  }

  /** Places the offers of an agent by how it stands now. */
  look(agent: string, standing: AgentStanding): void {
    for (const key of this.#held?.ofAgent.get(agent) ?? NOTHING) {
      const entry = this.#held?.entries.get(key);
      if (entry !== undefined) this.#place(key, entry, standing);
    }
  }

  #place(key: string, entry: Entry, standing: AgentStanding): void {
    const { offer } = entry;
    const isVoid = standing.isVoid(offer);
    const isSame =
      !isVoid &&
      entry.of !== undefined &&
      entry.capabilities === standing.capabilities &&
      entry.topics === offer.topics;
    const of = isSame ? entry.of : this.#classFor(entry, isVoid, standing);
    if (!isSame) {
      if (entry.of !== undefined && entry.of !== of) this.classes.leave(entry.of, offer);
      const capabilities = isVoid ? undefined : standing.capabilities;
      this.#holding.entries.set(key, { offer, of, capabilities, topics: offer.topics });
    }
    if (of === undefined) return;
    const isFree = offer.resting !== true && standing.held < Math.min(offer.places, standing.most);
    const was = of.free.get(key);
    if (!isFree) this.classes.close(of, offer);
    else if (was !== offer) {
      this.classes.open(of, offer);
      if (was === undefined) this.#stirOffers(of.key);
    }
  }

  #classFor(entry: Entry, isVoid: boolean, { capabilities }: AgentStanding): OfferClass | undefined {
    if (isVoid) return undefined;
    const { offer } = entry;
    return this.classes.join(offer, offerClass(offer.topics, capabilities), capabilities);
  }

  /** Time has ended it: nothing is handed to it any more, and it stands where it does until that is said. */
  passOver(key: string): void {
    const entry = this.#held?.entries.get(key);
    if (entry?.of !== undefined) this.classes.close(entry.of, entry.offer);
  }

  /** A class of its own, and there are as many as there may be. */
  isOneClassTooMany(topics: readonly string[] | undefined, capabilities: readonly string[]): boolean {
    const { classes } = this;
    return classes.size >= MAX_OFFER_CLASSES && classes.get(offerClass(topics, capabilities)) === undefined;
  }

  /** A task has become claimable. */
  stirTasks(task: Task): void {
    if (this.size === 0 || this.#isAllStirred) return;
    this.#holding.stirredTasks.add(claimClass(task));
    this.#stirred();
  }

  #stirOffers(key: string): void {
    if (this.#isAllStirred) return;
    this.#holding.stirredOffers.add(key);
    this.#stirred();
  }

  /** Anything may have become possible. */
  stirAll(): void {
    if (this.size === 0) return;
    this.#isAllStirred = true;
    this.#onStir();
  }

  #stirred(): void {
    const { stirredTasks, stirredOffers } = this.#holding;
    if (stirredTasks.size + stirredOffers.size > MAX_STIRRED) this.#isAllStirred = true;
    this.#onStir();
  }

  /** Whether anything may be handed over; where that ends to be barred, everything is looked at. */
  set isBlocked(isBlocked: boolean) {
    if (this.#isBlocked && !isBlocked) this.stirAll();
    this.#isBlocked = isBlocked;
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Takes what is to be looked at. `isOwed`: the pool waits for its turn, and that may be for this. */
  takeStirred(isOwed: boolean): Stirred {
    const isAll = this.#isAllStirred || (isOwed && this.isDue !== false);
    const { stirredTasks, stirredOffers } = this.#holding;
    const stirred = { isAll, tasks: [...stirredTasks], offers: [...stirredOffers] };
    this.forgetStirred();
    return stirred;
  }

  /** Nothing has happened: documents were loaded, and what they are was looked at before. */
  forgetStirred(): void {
    this.#isAllStirred = false;
    this.#held?.stirredTasks.clear();
    this.#held?.stirredOffers.clear();
  }

  #listOf(agent: string): Set<string> {
    const { ofAgent } = this.#holding;
    const keys = ofAgent.get(agent) ?? new Set<string>();
    ofAgent.set(agent, keys);
    return keys;
  }

  #remove(key: string, { offer, of }: Entry): void {
    if (of !== undefined) this.classes.leave(of, offer);
    const { entries, failing, ofAgent } = this.#holding;
    entries.delete(key);
    failing.delete(key);
    const keys = this.#listOf(offer.agent);
    keys.delete(key);
    if (keys.size === 0) ofAgent.delete(offer.agent);
  }
}

/** Classes in which something may have become possible, or that it may be anywhere. */
export interface Stirred {
  readonly isAll: boolean;
  readonly tasks: readonly string[];
  readonly offers: readonly string[];
}

const NEW = { of: undefined, capabilities: undefined, topics: undefined };

function offerClass(topics: readonly string[] | undefined, capabilities: readonly string[]): string {
  return JSON.stringify([topics ?? null, capabilities]);
}
