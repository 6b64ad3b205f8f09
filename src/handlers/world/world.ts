/**
 * The live state of one shard, in memory: what the handlers read and what their events change. It does no I/O; the
 * worker loads it from the store, and takes from it what changed since the last commit.
 */
import { changedId, type DocumentChange, isEntityChange } from '../../protocol/document-change.ts';
import { type Ban, COMMONS_POOL, type Member, type Pool } from '../../protocol/documents.ts';
import {
  type Entity,
  GROUPS,
  type Group,
  NOTHING_RETAINED,
  type RetainedByGroup,
  refOf,
} from '../../protocol/entities.ts';
import { type Cause, EVERYWHERE, type Fence, fenceKey, parseFenceKey } from '../../protocol/marks.ts';
import { COMMONS } from '../../protocol/names.ts';
import { type Offer, offerKey } from '../../protocol/offers.ts';
import { DEFAULT_SETTINGS, type Standing } from '../../protocol/settings.ts';
import { shardOf } from '../../protocol/shard.ts';
import { namedBy } from '../../protocol/still-named.ts';
import { changeBy, isEntityEvent } from '../kernel/entities.ts';
import { type DomainEvent, isInternal, isMemberEvent, isOfferEvent, isTaskEvent } from '../kernel/events.ts';
import { evolveOffer, offerAfter } from '../offers/evolve.ts';
import type { Stirred } from '../offers/standing-offers.ts';
import { evolveMember, evolvePool } from '../pools/evolve.ts';
import { Buckets } from '../quotas/buckets.ts';
import { ShardUsage } from '../quotas/usage.ts';
import { ENTRY_BYTES } from '../quotas/weights.ts';
import { withCause } from './because.ts';
import { Changes, type Side, type TakenChanges, type Touched } from './changes.ts';
import type { Due } from './due.ts';
import { IndexedHeap } from './indexed-heap.ts';
import { countsAfter, type KeptCounts } from './kept-counts.ts';
import { Marks } from './marks.ts';
import { PoolState } from './pool-state.ts';

/** An event with its place in its pool's order; internal ones have none and are not published. */
export interface AppliedEvent {
  readonly pool: string;
  readonly event: DomainEvent;
  readonly sequence: number | undefined;
  /** The principal, if the agent acted on behalf of one. */
  readonly principal?: string;
  /** What it follows from, where that is not the decision itself. */
  readonly because?: Cause;
}

/** Remembered outcomes, oldest first. The store holds them; this is what retention needs to know of them. */
export interface OutcomeMemory {
  count: number;
  bytes: number;
  oldestAt: number | undefined;
}

/** A pool that owes consequences, and since when: the position of the message that began it or that it had its turn with. */
interface Owing {
  readonly turn: number;
  readonly pool: string;
}

const OTHER = { before: 'after', after: 'before' } as const;

interface PoolDue {
  readonly at: number;
  readonly pool: string;
}

/** A pool that keeps something that has ended, and when the oldest of it did. */
export type PoolKeeping = PoolDue;

export class World {
  readonly pools = new Map<string, PoolState>();
  readonly outcomes: OutcomeMemory = { count: 0, bytes: 0, oldestAt: undefined };
  /** What all that has ended and is kept takes in the store. */
  endedBytes = 0;
  settings: Standing = DEFAULT_SETTINGS;
  /** Sizes of all live documents, by agent. */
  readonly usage = new ShardUsage();
  /** Whose stays have ended, and what that voids. */
  readonly marks = new Marks();
  /** Where in the order of the log what is applied now stands. */
  place = 0;
  /** By which decision it comes about. */
  because: Cause | undefined;
  /** Recent rates by agent. A rejected decision still counts. */
  readonly buckets = new Buckets();
  readonly #bans = new Map<string, Ban>();
  /** What all pools of the shard look at. */
  readonly #ofShard = {
    bans: this.#bans,
    marks: this.marks,
    usage: this.usage,
    settings: (): Standing => this.settings,
    onStir: (pool: string): void => {
      this.#unmatched.add(pool);
    },
  };
  /** Pools in which tasks may have come together with offers that could not have them before. */
  readonly #unmatched = new Set<string>();
  readonly #changes = new Changes();
  /** What takes back all since the last savepoint, the last first. */
  #undo: (() => void)[] = [];
  readonly #owing = new IndexedHeap<Owing>((a, b) => (a.turn !== b.turn ? a.turn < b.turn : a.pool < b.pool));
  /** Pools of which something changed since {@link reckonTurns}. */
  readonly #stirred = new Set<string>();
  readonly #due = new IndexedHeap<PoolDue>(earlierPool);
  readonly #keeping = new IndexedHeap<PoolKeeping>(earlierPool);

  /** A shard as it is before its first decision: empty, but for `commons` where it belongs here. */
  static genesis(shard: number, shards: number): World {
    const world = new World();
    if (shardOf(COMMONS, shards) === shard) world.#createPool(COMMONS_POOL);
    return world;
  }

  pool(name: string): PoolState | undefined {
    return this.pools.get(name);
  }

  /** Adds what the store holds; nothing of it counts as a change. */
  load(pool: Pool, sequence: number, retained: RetainedByGroup = NOTHING_RETAINED): PoolState {
    const state = new PoolState(pool, sequence, this.#ofShard);
    state.retained = retained;
    this.pools.set(pool.pool, state);
    state.usage.putPool(undefined, pool);
    this.#loaded(state);
    return state;
  }

  loadBan(ban: Ban): void {
    this.#bans.set(ban.agent, ban);
  }

  loadTurn(pool: string, turn: number): void {
    this.#owing.set(pool, { pool, turn });
  }

  /** Before or after the things that it voids. */
  loadFences(key: string, fences: readonly Fence[]): void {
    this.#putFences(key, fences);
  }

  loadMember(state: PoolState, member: Member): void {
    state.putMember(member.agent, member);
    this.#loaded(state);
  }

  loadOffer(state: PoolState, offer: Offer): void {
    state.putOffer(offerKey(offer), offer);
    this.#loaded(state);
  }

  /** Between two messages nothing is to be matched that has no turn: so what is loaded brings nothing together. */
  #loaded(state: PoolState): void {
    state.lookAtGate();
    state.offers.forgetStirred();
    this.#unmatched.delete(state.doc.pool);
    this.#replan(state);
  }

  loadEntity(state: PoolState, entity: Entity): void {
    state.loadEntity(entity);
    this.#loaded(state);
  }

  /** The only way that state changes: `evolve` says what a document becomes, and the world keeps it. */
  apply(pool: string, event: DomainEvent, now: number): AppliedEvent {
    const state = this.#applyToDocuments(pool, event, now);
    if (isInternal(event)) return { pool, event, sequence: undefined };
    const { sequence } = state;
    this.#turn((value) => this.#setSequence(state, value), sequence, sequence + 1);
    return { pool, event, sequence: state.sequence };
  }

  /** An agent was heard from: keeps the presence of members that promised one. */
  heardFrom(pool: string, agent: string, now: number): void {
    const state = this.pools.get(pool);
    const member = state?.membership(agent);
    if (state === undefined || member?.presenceMs === undefined) return;
    this.#put(state, { kind: 'member', pool, before: member, after: { ...member, lastSeenAt: now } }, now);
  }

  /** What this makes of each standing offer of an agent in a pool; the same object where it stays as it is. */
  changeOffers(pool: string, agent: string, now: number, changed: (offer: Offer) => Offer): void {
    const state = this.pools.get(pool);
    for (const before of state?.offers.of(agent) ?? []) {
      const after = changed(before);
      if (state !== undefined && after !== before)
        this.#put(state, { kind: 'offer', pool, before, after }, now);
    }
  }

  /** Pools to be matched, by name: those in which something may have come together, and those that this adds. */
  takeUnmatched(...more: readonly string[]): readonly string[] {
    const pools = [...new Set([...this.#unmatched, ...more])].sort();
    this.#unmatched.clear();
    return pools;
  }

  /** What a pool has to be looked at for matches; undefined where nothing may be handed over. */
  takeStirred(pool: string): Stirred | undefined {
    this.#unmatched.delete(pool);
    const state = this.pools.get(pool);
    if (state === undefined || state.offers.size === 0 || !state.handsOver) return undefined;
    return state.offers.takeStirred(this.#owing.get(pool) !== undefined);
  }

  /** A decision that was rejected has brought nothing together. */
  forgetStirred(): void {
    for (const pool of this.#unmatched) this.pools.get(pool)?.offers.forgetStirred();
    this.#unmatched.clear();
  }

  /** Whether more may match in a pool than one message may; that falls due at once. */
  matchesAreDue(pool: string, isDue: boolean): void {
    const state = this.pools.get(pool);
    if (state === undefined) return;
    // Of a pool that was loaded and not looked at yet its turn says it: looking alone must not give it one.
    const wasDue = state.offers.isDue ?? this.#owing.get(pool) !== undefined;
    state.offers.isDue = isDue;
    if (wasDue !== isDue) this.#stirred.add(pool);
  }

  /** Agents of which nothing is accepted in any pool of the shard. */
  get bans(): ReadonlyMap<string, Ban> {
    return this.#bans;
  }

  /** Bans an agent from every pool of the shard, or with undefined lets it in again. */
  changeBan(agent: string, after: Ban | undefined): void {
    this.#turn((ban) => this.#setBan(agent, ban), this.#bans.get(agent), after);
  }

  /** Ends the stay of an agent in a pool, or {@link EVERYWHERE}: what it has there is void from here on. */
  fence(pool: string, agent: string, fence: Fence): void {
    const key = fenceKey(pool, agent);
    const before = this.marks.of(pool, agent);
    this.#turn((fences) => this.#setFences(key, fences), before, [...before, fence]);
    this.marks.stir(pool, agent);
    // What a ban from everywhere voids in pools has a turn of its own.
    if (pool !== EVERYWHERE) this.#stirred.add(pool);
  }

  /** The next pool in which something void of an agent that was banned from all of them has not been told. */
  nextUntold(agent: string): string | undefined {
    return this.marks.firstUntold(agent);
  }

  #setFences(key: string, fences: readonly Fence[]): void {
    this.#putFences(key, fences);
    this.#changes.ofFences(key, fences);
  }

  #putFences(key: string, fences: readonly Fence[]): void {
    const { pool, agent } = parseFenceKey(key);
    const cancels = [...this.marks.of(pool, agent), ...fences].some(({ cancelsWork }) => cancelsWork);
    const pools = pool === EVERYWHERE ? this.#poolsOf(agent, cancels) : [pool];
    const states = pools.flatMap((name) => this.pools.get(name) ?? []);
    const looked = states.map((state) => ({ state, tasks: state.unlook(agent) }));
    this.marks.set(pool, agent, fences);
    for (const { state, tasks } of looked) state.relook(agent, tasks);
  }

  /** In which pools an agent has stays and claims; with `work` also those in which it has anything else. */
  #poolsOf(agent: string, work: boolean): readonly string[] {
    const pools = new Set(this.marks.poolsOf(agent));
    if (work) for (const [name, { usage }] of this.pools) if (usage.bytes.of(agent) > 0) pools.add(name);
    return [...pools];
  }

  /** Fences that void nothing any more go; a ban from everywhere that still does has its turn. */
  #reckonFences(seq: number): void {
    for (const key of this.marks.takeStirred()) {
      const { pool, agent } = parseFenceKey(key);
      const isEverywhere = pool === EVERYWHERE;
      const owes = isEverywhere
        ? this.marks.firstUntold(agent) !== undefined
        : this.marks.isUntoldIn(pool, agent);
      if (!owes) this.#setFences(key, []);
      if (isEverywhere && owes !== (this.#owing.get(key) !== undefined))
        this.#setTurn(key, owes ? seq : undefined);
    }
  }

  changeSettings(settings: Standing): void {
    this.#turn((value) => this.#setSettings(value), this.settings, settings);
  }

  /** The oldest of a group that is left in a pool after retention removed others. */
  oldestIs(state: PoolState, group: Group, oldestAt: number | undefined): void {
    const set = (retained: RetainedByGroup): void => {
      state.retained = retained;
      this.#reschedule(state);
    };
    const { retained } = state;
    const { count } = retained[group];
    this.#turn(set, retained, { ...retained, [group]: { count, oldestAt } });
  }

  /** From here on everything can be taken back with {@link rollback}. */
  savepoint(): void {
    this.#undo = [];
  }

  /** How far things have come since the last savepoint, for {@link rollback}: a Batch takes back a member of its own. */
  get mark(): number {
    return this.#undo.length;
  }

  rollback(mark = 0): void {
    for (const undo of this.#undo.splice(mark).reverse()) undo();
  }

  /** Did the pool owe anything when the message began? */
  owes(pool: string): boolean {
    return this.#owing.get(pool) !== undefined || this.pools.get(pool)?.owes === true;
  }

  /** Of the pools that owe consequences, the one that has waited longest. */
  nextOwing(): { readonly pool: string; readonly turn: number } | undefined {
    return this.#owing.peek();
  }

  get owingPools(): number {
    return this.#owing.size;
  }

  get owing(): readonly { readonly pool: string; readonly turn: number }[] {
    return this.#owing.first(Number.POSITIVE_INFINITY);
  }

  /** A pool has had its turn: it owes nothing any more, or waits behind all others. */
  endTurn(pool: string, seq: number): void {
    this.#setTurn(pool, this.#owesNow(pool) ? seq : undefined);
  }

  #owesNow(key: string): boolean {
    const { pool, agent } = parseFenceKey(key);
    if (pool === EVERYWHERE) return this.marks.firstUntold(agent) !== undefined;
    const state = this.pools.get(key);
    if (state === undefined || state.owes) return state !== undefined;
    // Until it is first looked at, what is stored says whether a match is due.
    return state.offers.size > 0 && state.offers.isDue === undefined && this.#owing.get(key) !== undefined;
  }

  /** After each message: who began to owe something with it, and who owes nothing any more. */
  reckonTurns(seq: number): void {
    this.#reckonFences(seq);
    for (const pool of this.#stirred) {
      const owes = this.#owesNow(pool);
      if (owes !== (this.#owing.get(pool) !== undefined)) this.#setTurn(pool, owes ? seq : undefined);
    }
    this.#stirred.clear();
  }

  #setTurn(pool: string, turn: number | undefined): void {
    if (turn === undefined) this.#owing.delete(pool);
    else this.#owing.set(pool, { pool, turn });
    this.#changes.ofTurn(pool, turn);
  }

  /** The size of the shard: see `quotas/weights.ts`. */
  get bytes(): number {
    return this.usage.bytes.total + ENTRY_BYTES * (this.#bans.size + this.buckets.size);
  }

  /** The earliest time at which something in the shard falls due: exact, so that it is the same on every replay. */
  nextDue(): number | undefined {
    return this.#due.peek()?.at;
  }

  /** Pools in which something falls due by `until`, the earliest first. */
  duePools(until: number, most: number): readonly string[] {
    const found = this.#due.first(
      most,
      () => true,
      ({ at }) => at > until,
    );
    return found.map(({ pool }) => pool);
  }

  /** The pools that keep what ended longest ago. */
  keeping(most: number): readonly PoolKeeping[] {
    return this.#keeping.first(most);
  }

  /** The pool that keeps what ended longest ago of all in the shard. */
  get firstKeeping(): PoolKeeping | undefined {
    return this.#keeping.peek();
  }

  /** The next entity to fall due in a pool, if it does so by `until`. */
  nextDueIn(pool: string, until: number): Due | undefined {
    const due = this.pools.get(pool)?.due.peek();
    return due === undefined || due.at > until ? undefined : due;
  }

  /** Changes since the last call: the size of a commit is measured message by message. */
  takeTouched(): Touched {
    const touched = this.#changes.takeTouched();
    return { ...touched, entries: touched.entries + this.buckets.takeTouched() };
  }

  /** Everything that changed since it was last taken. */
  takeChanges(): TakenChanges & {
    /** When buckets are full again, microseconds; undefined for those that are full. */
    readonly buckets: ReadonlyMap<string, number | undefined>;
  } {
    this.#undo = [];
    return { ...this.#changes.take(), buckets: this.buckets.takeChanges() };
  }

  /** Lets go of what has ended and is stored now, and of ended tasks that nobody waits for any more. */
  forgetEnded(changes: readonly DocumentChange[]): void {
    for (const change of changes) {
      if (!isEntityChange(change)) continue;
      const { before, after } = change;
      const state = this.pools.get(change.pool);
      if (after !== undefined) state?.forget(refOf(after));
      if (before !== undefined) for (const ref of namedBy(before)) state?.forget(ref);
    }
  }

  #applyToDocuments(pool: string, event: DomainEvent, now: number): PoolState {
    const state = this.pools.get(pool);
    if (state === undefined) {
      if (event.type !== 'pool.created') throw new Error(`${event.type} in the unknown pool ${pool}`);
      const doc = evolvePool(undefined, event, now);
      if (doc === undefined) throw new Error(`pool.created made no pool ${pool}`);
      return this.#createPool(doc);
    }
    const claim = isTaskEvent(event) ? state.entities.task.get(event.id)?.claim : undefined;
    this.#put(state, withCause(state, this.#changeBy(state, event, now), this.because), now);
    if (isTaskEvent(event) && 'agent' in event.data && event.data.agent !== undefined) {
      const turn = state.sequence + 1;
      this.changeOffers(pool, event.data.agent, now, (offer) => offerAfter(offer, event, claim, turn));
    }
    return state;
  }

  #changeBy(state: PoolState, event: DomainEvent, now: number): DocumentChange {
    const { pool } = state.doc;
    if (isEntityEvent(event)) return changeBy(state.entities, event, { pool, now, place: this.place });
    if (isMemberEvent(event)) {
      const before = state.members.get(event.id);
      return { kind: 'member', pool, before, after: evolveMember(before, event, pool, now, this.place) };
    }
    if (isOfferEvent(event)) {
      const before = state.offers.get(event.id, event.data.offerId);
      const at = { pool, now, order: this.place, turn: state.sequence + 1 };
      return { kind: 'offer', pool, before, after: evolveOffer(event, at) };
    }
    return { kind: 'pool', pool, before: state.doc, after: evolvePool(state.doc, event, now) };
  }

  #createPool(doc: Pool): PoolState {
    const { pool } = doc;
    const state = new PoolState(doc, 0, this.#ofShard);
    this.#undo.push(() => this.#changes.forgetSequence(pool));
    this.#put(state, { kind: 'pool', pool, before: undefined, after: doc }, doc.createdAt);
    return state;
  }

  /** Sets something to what it becomes; taken back, it is set to what it was. */
  #turn<T>(set: (value: T) => void, before: T, after: T): void {
    set(after);
    this.#undo.push(() => set(before));
  }

  /** The only way of a document into the world. Taken back, it is the same change turned round. */
  #put(state: PoolState, change: DocumentChange, now: number): void {
    if (change.before === undefined && change.after === undefined) return;
    const counts = { retained: state.retained, endedBytes: this.endedBytes };
    this.#turn<KeptCounts & { readonly side: Side }>(
      ({ side, retained, endedBytes }) => {
        state.retained = retained;
        this.endedBytes = endedBytes;
        this.#place(state, change, side);
        this.#changes.ofDocument(change, side);
        this.#reschedule(state);
      },
      { side: 'before', ...counts },
      { side: 'after', ...countsAfter(counts, change, now) },
    );
  }

  #place(state: PoolState, change: DocumentChange, side: Side): void {
    const { pool } = change;
    switch (change.kind) {
      case 'pool': {
        const doc = change[side];
        if (doc === undefined) this.pools.delete(pool);
        else {
          state.putDoc(doc);
          this.pools.set(pool, state);
        }
        state.usage.putPool(change[OTHER[side]], doc);
        return;
      }
      case 'member':
        state.putMember(changedId(change), change[side]);
        return;
      case 'offer':
        state.putOffer(changedId(change), change[side]);
        return;
      default:
        state.putEntity(change, side);
    }
  }

  #setBan(agent: string, after: Ban | undefined): void {
    if (after === undefined) this.#bans.delete(agent);
    else this.#bans.set(agent, after);
    this.#changes.ofBan(agent, after);
  }

  /** Every Sweep carries the settings: pools are gone through only when what they plan by is changed. */
  #setSettings(settings: Standing): void {
    const { finalRetentionMs, finalRetentionCount, agentClaims, poolClaims } = this.settings;
    this.settings = settings;
    if (settings.agentClaims !== agentClaims || settings.poolClaims !== poolClaims)
      for (const state of this.pools.values()) state.lookAtLimits();
    const isSame =
      settings.finalRetentionMs === finalRetentionMs && settings.finalRetentionCount === finalRetentionCount;
    if (isSame) return;
    for (const state of this.pools.values()) this.#reschedule(state);
  }

  #setSequence(state: PoolState, sequence: number): void {
    state.sequence = sequence;
    this.#changes.ofSequence(state.doc.pool, sequence);
  }

  #reschedule(state: PoolState): void {
    const { pool } = state.doc;
    this.#stirred.add(pool);
    if (this.#owing.get(pool) !== undefined) this.#unmatched.add(pool);
    this.#replan(state);
  }

  /** Without anything that happened: when a document is loaded must not decide whose turn it is. */
  #replan(state: PoolState): void {
    const pool = state.doc.pool;
    state.scheduleRetention(this.settings);
    const isThere = this.pools.has(pool);
    moveTo(this.#due, pool, isThere ? state.due.peek()?.at : undefined);
    moveTo(this.#keeping, pool, isThere ? oldestIn(state) : undefined);
  }
}

function earlierPool(a: PoolDue, b: PoolDue): boolean {
  return a.at !== b.at ? a.at < b.at : a.pool < b.pool;
}

function moveTo(heap: IndexedHeap<PoolDue>, pool: string, at: number | undefined): void {
  if (heap.get(pool)?.at === at) return;
  if (at === undefined) heap.delete(pool);
  else heap.set(pool, { at, pool });
}

function oldestIn({ retained }: PoolState): number | undefined {
  const never = Number.POSITIVE_INFINITY;
  const oldest = GROUPS.reduce((at, group) => Math.min(at, retained[group].oldestAt ?? never), never);
  return oldest === never ? undefined : oldest;
}
