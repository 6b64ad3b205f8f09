/**
 * Scenarios about votes and negotiations, told twice at once: in a world that has everything in memory, and in one that
 * is loaded anew before every step from what a store would hold. Both must give the same answers and know the same.
 */
import { expect } from 'vitest';
import { touches } from '../../src/handlers/kernel/registry.ts';
import type { PoolState } from '../../src/handlers/world/pool-state.ts';
import { decode } from '../../src/protocol/decode.ts';
import { changedId, type DocumentChange, isEntityChange } from '../../src/protocol/document-change.ts';
import type { Member, Pool } from '../../src/protocol/documents.ts';
import {
  ENTITY_KINDS,
  type Entity,
  type EntityKind,
  entityRef,
  hasEnded,
  isTask,
  NOTHING_RETAINED,
  refOf,
} from '../../src/protocol/entities.ts';
import { SHARD_POOL } from '../../src/protocol/names.ts';
import type { Negotiation } from '../../src/protocol/negotiations.ts';
import type { Offer } from '../../src/protocol/offers.ts';
import type { Vote } from '../../src/protocol/votes.ts';
import { POOL } from './message.ts';
import { type by, Scenario } from './scenario.ts';

type Step = ReturnType<typeof by>;

export function given(...steps: readonly Step[]): Retold {
  return new Retold().given(...steps);
}

export class Retold extends Scenario {
  readonly #steady = new Scenario();
  /** Documents as texts, by kind, pool and id. */
  readonly #store = new Map<string, string>();

  override given(...steps: readonly Step[]): this {
    for (const step of steps) {
      this.#reload(step);
      super.given(step);
      this.#steady.given(step);
      this.#settle();
    }
    return this;
  }

  override when(...steps: readonly Step[]): this {
    this.given(...steps.slice(0, -1));
    for (const step of steps.slice(-1)) {
      this.#reload(step);
      const before = this.#entities();
      super.when(step);
      this.#steady.when(step);
      this.#settle();
      expect(this.answer).toEqual(this.#steady.answer);
      if (this.answer.status === 'rejected') expect(this.#entities()).toEqual(before);
    }
    return this;
  }

  thenVote(id: string, expected: object | undefined, pool: string = POOL): this {
    return this.#thenEntity('vote', id, expected, pool);
  }

  thenSession(id: string, expected: object | undefined, pool: string = POOL): this {
    return this.#thenEntity('negotiation', id, expected, pool);
  }

  vote(id: string, pool: string = POOL): Vote {
    return this.#stored<Vote>('vote', id, pool);
  }

  session(id: string, pool: string = POOL): Negotiation {
    return this.#stored<Negotiation>('negotiation', id, pool);
  }

  #thenEntity(kind: EntityKind, id: string, expected: object | undefined, pool: string): this {
    if (expected === undefined) expect(this.#store.has(keyOf(pool, kind, id))).toBe(false);
    else expect(this.#stored(kind, id, pool)).toMatchObject(expected);
    return this;
  }

  #stored<T>(kind: EntityKind, id: string, pool: string): T {
    const json = this.#store.get(keyOf(pool, kind, id));
    if (json === undefined) throw new Error(`${kind} ${id} is not stored`);
    return JSON.parse(json);
  }

  #entities(): readonly string[] {
    return [...this.#store].filter(([key]) => key.startsWith('e/')).map(([, json]) => json);
  }

  /** Writes what changed, and compares with the world that was never loaded. */
  #settle(): void {
    for (const change of this.world.takeChanges().changes) this.#write(change);
    this.#steady.world.takeChanges();
    expect(this.world.nextDue()).toBe(this.#steady.world.nextDue());
    for (const [name, state] of this.#steady.world.pools) {
      const loaded = this.world.pool(name);
      expect(loaded && derived(loaded)).toEqual(derived(state));
      for (const [ref, entity] of entitiesOf(state)) {
        expect(this.#store.get(`e/${name}/${ref}`)).toBe(JSON.stringify(entity));
      }
    }
  }

  #write(change: DocumentChange): void {
    const { kind, pool, before, after } = change;
    const one = after ?? before;
    if (one === undefined) return;
    const id = changedId(change);
    const key = isEntityChange(change) ? keyOf(pool, change.kind, id) : `${kind.slice(0, 1)}/${pool}/${id}`;
    expect(this.#store.get(key), `what ${key} is changed from is what is stored`).toBe(
      before === undefined ? undefined : JSON.stringify(before),
    );
    if (after === undefined) this.#store.delete(key);
    else this.#store.set(key, JSON.stringify(after));
  }

  #list<T>(prefix: string): T[] {
    return [...this.#store]
      .filter(([key]) => key.startsWith(prefix))
      .map(([, json]): T => JSON.parse(json))
      .reverse();
  }

  /** Pools, members and what is live; of what ended only what the step is going to touch. */
  #reload(step: Step): void {
    if ('at' in step) return;
    const touched = touchedBy(step);
    for (const { pool } of [...this.world.pools.values()].map(({ doc }) => doc)) {
      const { sequence, retained } = this.world.pool(pool) ?? { sequence: 0, retained: NOTHING_RETAINED };
      const doc = JSON.parse(
        this.#store.get(`p/${pool}/${pool}`) ?? JSON.stringify(this.world.pool(pool)?.doc),
      );
      const entities = this.#list<Entity>(`e/${pool}/`);
      const endings = entities
        .flatMap((entity) => (isTask(entity) ? [] : (entity.finishedAt ?? [])))
        .sort((a, b) => a - b);
      const collective = { count: endings.length, oldestAt: endings[0] };
      const state = this.world.load(doc satisfies Pool, sequence, { ...retained, collective });
      for (const member of this.#list<Member>(`m/${pool}/`)) this.world.loadMember(state, member);
      for (const offer of this.#list<Offer>(`o/${pool}/`)) this.world.loadOffer(state, offer);
      for (const entity of entities) {
        if (!hasEnded(entity) || touched(pool, entity)) this.world.loadEntity(state, entity);
      }
    }
  }
}

/** What a pool knows besides its documents. */
function derived({ retained, live, votes }: PoolState): object {
  return { retained, live, openVotes: votes.size, seats: votes.seats };
}

function entitiesOf({ entities }: PoolState): (readonly [ref: string, entity: Entity])[] {
  return ENTITY_KINDS.flatMap((kind) =>
    [...entities[kind]].map(([id, entity]) => [entityRef(kind, id), entity] as const),
  );
}

/** What a worker would fetch for a decision: what its handlers name, and for a Sweep all that is old. */
function touchedBy({ agent, pool, body }: Exclude<Step, { readonly at: number }>) {
  if (pool === SHARD_POOL) return () => true;
  const bytes = Buffer.from(JSON.stringify({ id: 'd', ...body }));
  const place = { namespace: 'converge', shard: 0, shards: 1 };
  const decoded = decode(`converge.decisions.0.${pool}.${agent}`, bytes, place);
  const touched =
    decoded.kind === 'decision' && decoded.decision.type !== 'Sweep' ? touches(decoded.decision) : [];
  const refs = new Set(touched.map(({ kind, id }) => `${kind}/${id}`));
  return (where: string, entity: Entity) => {
    const { kind, id } = refOf(entity);
    return where === pool && refs.has(entityRef(kind, id));
  };
}

function keyOf(pool: string, kind: EntityKind, id: string): string {
  return `e/${pool}/${entityRef(kind, id)}`;
}
