/**
 * A shard worker and its store in a few lines, with everything that a real one does to a world: fetch final tasks for
 * the decisions that touch them, commit whenever it likes, forget, crash, and load what was stored into a new world.
 */
import { expect } from 'vitest';
import type { AppliedDecision } from '../../../src/handlers/kernel/applied.ts';
import { applyDecision } from '../../../src/handlers/kernel/apply.ts';
import { kindOf } from '../../../src/handlers/kernel/entities.ts';
import { touches } from '../../../src/handlers/kernel/registry.ts';
import { endedBytesOf } from '../../../src/handlers/quotas/ended.ts';
import {
  type Kept,
  type KeptOutcome,
  NOTHING_OLD,
  type OldestKept,
  SWEEP_LIMIT,
} from '../../../src/handlers/sweep/sweep.ts';
import type { PoolState } from '../../../src/handlers/world/pool-state.ts';
import { type AppliedEvent, World } from '../../../src/handlers/world/world.ts';
import type { Decision } from '../../../src/protocol/decisions/index.ts';
import { type DocumentChange, keyOf } from '../../../src/protocol/document-change.ts';
import type { Ban, Member, Pool } from '../../../src/protocol/documents.ts';
import {
  ENTITY_KINDS,
  type Entity,
  type EntityRef,
  entityRef,
  type Group,
  hasEnded,
  KINDS,
  ofGroups,
  refOf,
} from '../../../src/protocol/entities.ts';
import type { Fence } from '../../../src/protocol/marks.ts';
import type { Offer } from '../../../src/protocol/offers.ts';
import type { Settings } from '../../../src/protocol/settings.ts';
import { stillNamed } from '../../../src/protocol/still-named.ts';
import { keptOf } from '../ended-pages.ts';
import { PLACE, type Sayable, send } from '../message.ts';

export interface LogEntry {
  readonly agent: string;
  readonly pool: string;
  readonly at: number;
  readonly body: Sayable;
}

/** What was answered and told because of one entry: the same on every replay. */
export interface Told {
  readonly seq: number;
  readonly now: number;
  readonly applied: Pick<AppliedDecision, 'status' | 'code' | 'message' | 'data' | 'forgottenOutcomes'>;
  readonly events: readonly AppliedEvent[];
  readonly nextDue: number | undefined;
}

/** What Redis would hold: texts, and numbers that a commit writes. */
class Store {
  seq = 0;
  now = 0;
  settings: Settings | undefined;
  endedBytes = 0;
  readonly documents = new Map<string, string>();
  readonly sequences = new Map<string, number>();
  outcomes: KeptOutcome[] = [];
  readonly bans = new Map<string, string>();
  readonly buckets = new Map<string, number>();
  readonly turns = new Map<string, number>();
  readonly fences = new Map<string, string>();

  write(change: DocumentChange): void {
    const key = keyOf(change);
    const before = change.before === undefined ? undefined : JSON.stringify(change.before);
    expect(this.documents.get(key), `what ${key} is changed from is what is stored`).toBe(before);
    if (change.after === undefined) this.documents.delete(key);
    else this.documents.set(key, JSON.stringify(change.after));
    if (change.kind === 'pool' && change.after === undefined) this.sequences.delete(change.pool);
  }

  list<T>(prefix: string): T[] {
    return [...this.documents].filter(([key]) => key.startsWith(prefix)).map(([, json]) => parse<T>(json));
  }

  entity(pool: string, { kind, id }: EntityRef): Entity | undefined {
    const json = this.documents.get(`${kind}/${pool}/${id}`);
    return json === undefined ? undefined : parse<Entity>(json);
  }

  /** Of a pool, or of all of them. */
  entities(pool?: string): Entity[] {
    return ENTITY_KINDS.flatMap((kind) =>
      this.list<Entity>(pool === undefined ? `${kind}/` : `${kind}/${pool}/`),
    );
  }

  ended(pool: string, group: Group): Kept[] {
    return keptOf(this.entities(pool)).filter(({ kind }) => KINDS[kind].group === group);
  }

  bytesOfEnded(): number {
    return this.entities().reduce((sum, entity) => sum + endedBytesOf(entity), 0);
  }
}

export class Shard {
  readonly store = new Store();
  readonly told: Told[] = [];
  world = World.genesis(PLACE.shard, PLACE.shards);
  seq = 0;
  now = 0;
  #unstoredOutcomes: KeptOutcome[] = [];
  #forgotten = 0;
  /** Ended entities that are in memory until the next commit only. */
  #looked: Entity[] = [];
  /** Those that are stored still and are gone with the next commit. */
  readonly #removed = new Set<string>();

  readonly #onCommit: (changes: readonly DocumentChange[]) => void;

  /** `onCommit` sees what each commit changes. */
  constructor(onCommit: (changes: readonly DocumentChange[]) => void = () => undefined) {
    this.#onCommit = onCommit;
    this.commit();
  }

  /** `look` sees the world as it is just before the decision, with all that was fetched for it. */
  apply(entry: LogEntry, look: () => void = () => {}): Told {
    const decoded = send(entry.agent, entry.pool, entry.body);
    if (decoded.kind !== 'decision') throw new Error(`not a decision: ${JSON.stringify(decoded)}`);
    const { decision } = decoded;
    // A Sweep looks at what is stored, so everything is.
    if (decision.type === 'Sweep') this.commit();
    this.seq++;
    this.now = Math.max(this.now, entry.at);
    const oldest = this.#fetchFor(entry.pool, decision);
    look();
    const { agent, pool } = entry;
    const place = { now: this.now, shard: PLACE.shard, seq: this.seq, index: 0 };
    const context = { ...place, pool, agent, self: agent, decisionId: decision.id };
    const { events, fault, ...applied } = applyDecision(this.world, decision, context, oldest);
    if (fault !== undefined) throw fault;
    for (const { pool: where, event } of events) {
      const kind = kindOf(event);
      if (kind !== undefined && event.type.endsWith('.removed')) {
        this.#removed.add(`${kind}/${where}/${event.id}`);
      }
    }
    this.#remember(`${agent}.${decision.id}`, applied.forgottenOutcomes);
    const told = { seq: this.seq, now: this.now, applied, events, nextDue: this.world.nextDue() };
    this.told[this.seq - 1] = structuredClone(told);
    return told;
  }

  commit(): void {
    const { changes, sequences, bans, buckets, turns, fences } = this.world.takeChanges();
    for (const [key, list] of fences) {
      if (list.length === 0) this.store.fences.delete(key);
      else this.store.fences.set(key, JSON.stringify(list));
    }
    for (const [pool, turn] of turns) {
      if (turn === undefined) this.store.turns.delete(pool);
      else this.store.turns.set(pool, turn);
    }
    for (const [agent, ban] of bans) {
      if (ban === undefined) this.store.bans.delete(agent);
      else this.store.bans.set(agent, JSON.stringify(ban));
    }
    for (const [key, fullAtUs] of buckets) {
      if (fullAtUs === undefined) this.store.buckets.delete(key);
      else this.store.buckets.set(key, fullAtUs);
    }
    for (const change of changes) this.store.write(change);
    this.#onCommit(changes);
    for (const [pool, sequence] of sequences) {
      if (this.world.pool(pool) !== undefined) this.store.sequences.set(pool, sequence);
    }
    this.store.outcomes = [...this.store.outcomes, ...this.#unstoredOutcomes].slice(this.#forgotten);
    this.#unstoredOutcomes = [];
    this.#forgotten = 0;
    this.store.settings = this.world.settings;
    this.store.endedBytes = this.world.endedBytes;
    expect(this.world.endedBytes, 'what has ended takes what is stored of it').toBe(
      this.store.bytesOfEnded(),
    );
    this.store.seq = this.seq;
    this.store.now = this.now;
    this.world.forgetEnded(changes);
    for (const entity of this.#looked) this.world.pool(entity.pool)?.forget(refOf(entity));
    this.#looked = [];
    this.#removed.clear();
  }

  /** The process dies: whatever was not committed is gone, and the log is read again from there. */
  crash(): void {
    this.world = this.loaded();
    this.seq = this.store.seq;
    this.now = this.store.now;
    this.#unstoredOutcomes = [];
    this.#forgotten = 0;
    this.#looked = [];
    this.#removed.clear();
  }

  /** A new world from the store: whatever is live, and the final tasks that blocked ones wait for. */
  loaded(): World {
    const world = new World();
    if (this.store.settings !== undefined) world.settings = this.store.settings;
    for (const json of [...this.store.bans.values()].reverse()) world.loadBan(parse<Ban>(json));
    for (const [key, fullAtUs] of [...this.store.buckets].reverse()) world.buckets.load(key, fullAtUs);
    for (const [pool, turn] of [...this.store.turns].reverse()) world.loadTurn(pool, turn);
    for (const [key, json] of [...this.store.fences].reverse()) world.loadFences(key, parse<Fence[]>(json));
    world.outcomes.count = this.store.outcomes.length;
    world.outcomes.bytes = this.store.outcomes.length * 100;
    world.outcomes.oldestAt = this.store.outcomes[0]?.at;
    world.endedBytes = this.store.endedBytes;
    for (const doc of this.store.list<Pool>('pool/').reverse()) {
      const sequence = this.store.sequences.get(doc.pool) ?? 0;
      const retained = ofGroups((group) => countOf(this.store.ended(doc.pool, group)));
      const state = world.load(doc, sequence, retained);
      for (const member of this.store.list<Member>(`member/${doc.pool}/`).reverse())
        world.loadMember(state, member);
      for (const offer of this.store.list<Offer>(`offer/${doc.pool}/`).reverse())
        world.loadOffer(state, offer);
      for (const entity of this.#needed(doc.pool).reverse()) world.loadEntity(state, entity);
    }
    return world;
  }

  #needed(pool: string): Entity[] {
    const all = this.store.entities(pool);
    const live = all.filter((entity) => !hasEnded(entity));
    const named = new Set(stillNamed(live).map(({ kind, id }) => entityRef(kind, id)));
    return all.filter((entity) => {
      const { kind, id } = refOf(entity);
      return !hasEnded(entity) || named.has(entityRef(kind, id));
    });
  }

  #remember(id: string, forgotten: number): void {
    this.#forgotten += forgotten;
    this.#unstoredOutcomes.push({ id, at: this.now, bytes: 100 });
    this.world.outcomes.count++;
    this.world.outcomes.bytes += 100;
    this.world.outcomes.oldestAt ??= this.now;
  }

  #fetchFor(pool: string, decision: Decision): OldestKept {
    if (decision.type === 'Sweep') return this.#fetchOldest(decision.limit ?? SWEEP_LIMIT);
    const state = this.world.pool(pool);
    if (state === undefined) return NOTHING_OLD;
    for (const ref of touches(decision)) this.#fetch(state, ref);
    return NOTHING_OLD;
  }

  #fetchOldest(limit: number): OldestKept {
    const ended = ofGroups((group) => {
      const pages = [...this.world.pools].map(([pool, state]) => {
        const page = this.store.ended(pool, group).slice(0, limit + 1);
        for (const ref of page) this.#fetch(state, ref);
        return [pool, page] as const;
      });
      return new Map(pages);
    });
    return { ended, outcomes: this.store.outcomes.slice(0, 5_001) };
  }

  #fetch(state: PoolState, ref: EntityRef): void {
    const { pool } = state.doc;
    const { kind, id } = ref;
    if (state.entities[kind].has(id) || this.#removed.has(`${kind}/${pool}/${id}`)) return;
    const stored = this.store.entity(pool, ref);
    if (stored === undefined) return;
    this.world.loadEntity(state, stored);
    this.#looked.push(stored);
  }
}

function countOf(kept: readonly Kept[]): { count: number; oldestAt: number | undefined } {
  return { count: kept.length, oldestAt: kept[0]?.at };
}

function parse<T>(json: string): T {
  return JSON.parse(json);
}
