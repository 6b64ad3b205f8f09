/**
 * Scenarios about auctions, told twice at once: in a world that has run from the beginning, and in one that is loaded
 * anew before every step from what a store would hold. Both must give the same answers and know the same, so that a
 * crash between any two steps of any scenario changes nothing.
 */
import { expect } from 'vitest';
import type { AppliedDecision } from '../../../src/handlers/kernel/applied.ts';
import { applyDecision } from '../../../src/handlers/kernel/apply.ts';
import { touches } from '../../../src/handlers/kernel/registry.ts';
import type { OldestKept } from '../../../src/handlers/sweep/sweep.ts';
import type { PoolState } from '../../../src/handlers/world/pool-state.ts';
import { World } from '../../../src/handlers/world/world.ts';
import { type Auction, publicAuction } from '../../../src/protocol/auctions.ts';
import type { Code } from '../../../src/protocol/codes.ts';
import { type Decoded, decode } from '../../../src/protocol/decode.ts';
import { type DocumentChange, keyOf } from '../../../src/protocol/document-change.ts';
import type { Task } from '../../../src/protocol/documents.ts';
import {
  ENTITY_KINDS,
  type Entity,
  type EntityRef,
  entityRef,
  hasEnded,
  refOf,
} from '../../../src/protocol/entities.ts';
import { stillNamed } from '../../../src/protocol/still-named.ts';
import { subjects } from '../../../src/protocol/subjects.ts';
import { renderEvents, renderOutcome } from '../../../src/workers/shard/render.ts';
import { by, START } from '../scenario.ts';

export type Step = ReturnType<typeof by>;
type Fields<T> = Omit<Extract<Parameters<typeof by>[1], { type: T }>, 'type' | 'id'>;

const WORK = 'work';
const PLACE = { namespace: 'converge', shard: 0, shards: 1 } as const;
const SUBJECTS = subjects();

/** How long scenarios last unless they say otherwise: auctions close at this moment. */
export const CLOSE_MS = 1_000;

export function opens(agent: string, auctionId: string, fields: Partial<Fields<'OpenAuction'>> = {}): Step {
  return by(agent, {
    type: 'OpenAuction',
    auctionId,
    kind: 'first_price_sealed',
    closesAt: START + CLOSE_MS,
    ...fields,
  });
}

export function bids(agent: string, auctionId: string, amount: unknown, content?: string): Step {
  const fields = { auctionId, ...(content === undefined ? {} : { content }) };
  // Amounts are whatever an agent may have sent.
  return by(agent, { type: 'SubmitBid', amount: amount as number, ...fields });
}

export function closes(agent: string, auctionId: string): Step {
  return by(agent, { type: 'CloseAuction', auctionId });
}

export function cancels(agent: string, auctionId: string): Step {
  return by(agent, { type: 'CancelAuction', auctionId });
}

export function releases(agent: string, taskId: string): Step {
  return by(agent, { type: 'ReleaseTask', taskId });
}

export function given(...steps: readonly Step[]): Told {
  return new Told().given(...steps);
}

/** A world, and the moment that it has come to. */
class Shard {
  world = World.genesis(PLACE.shard, PLACE.shards);
  readonly outcomes: string[] = [];

  apply(decoded: Decoded, at: number, seq: number, oldest: OldestKept): AppliedDecision {
    if (decoded.kind === 'dead') throw new Error(`a dead letter: ${decoded.reason}`);
    if (decoded.kind === 'rejected') {
      const { code, message } = decoded;
      return { status: 'rejected', code, message, events: [], forgottenOutcomes: 0 };
    }
    const { agent, pool } = decoded.address;
    const { decision } = decoded;
    const who = { pool, agent, self: agent, decisionId: decision.id };
    const context = { now: at, shard: PLACE.shard, seq, index: 0, ...who };
    const applied = applyDecision(this.world, decision, context, oldest);
    if (applied.fault !== undefined) throw applied.fault;
    return applied;
  }
}

export class Told {
  now = START;

  #seq = 0;
  readonly #steady = new Shard();
  readonly #reloaded = new Shard();
  /** Documents as texts, by kind, pool and id, in the order in which they came. */
  readonly #store = new Map<string, string>();
  #answer: Pick<AppliedDecision, 'status' | 'events'> & Partial<AppliedDecision> = {
    status: 'accepted',
    events: [],
  };
  #unchanged = true;
  /** All that went out because of the last step: events as they are published, and the outcome. */
  told: {
    readonly events: readonly { readonly type: string; readonly data: object }[];
    readonly text: string;
  } = { events: [], text: '' };

  constructor() {
    for (const change of this.#steady.world.takeChanges().changes) this.#write(change);
  }

  given(...steps: readonly Step[]): this {
    for (const step of steps) {
      this.take(step);
      const { status, code, message } = this.#answer;
      if (status === 'rejected') throw new Error(`given ${JSON.stringify(step)}: ${code} (${message})`);
    }
    return this;
  }

  when(...steps: readonly Step[]): this {
    this.given(...steps.slice(0, -1));
    for (const step of steps.slice(-1)) this.take(step);
    return this;
  }

  /** Accepted, with exactly these events (internal ones included): `<type> <id>`, in this order. */
  thenEvents(...events: readonly string[]): this {
    expect(this.#answer).toMatchObject({ status: 'accepted' });
    expect(this.#answer.events.map(({ event }) => `${event.type} ${event.id}`)).toEqual(events);
    return this;
  }

  thenEventData(type: string, data: object): this {
    const found = this.#answer.events.filter(({ event }) => event.type === type);
    expect(found.map(({ event }) => event.data)).toEqual([expect.objectContaining(data)]);
    return this;
  }

  /** What subscribers are told: exactly these data of the one event of this type. */
  thenPublished(type: string, data: object): this {
    const found = this.told.events.filter((event) => event.type === `converge.${type}`);
    expect(found.map((event) => event.data)).toEqual([data]);
    return this;
  }

  thenData(data: unknown): this {
    expect(this.#answer).toMatchObject({ status: 'accepted' });
    expect(this.#answer.data).toEqual(data);
    return this;
  }

  thenRejected(code: Code, expected: { readonly transient?: boolean; readonly message?: RegExp } = {}): this {
    expect(this.#answer).toMatchObject({ status: 'rejected', code, events: [] });
    expect(this.#unchanged, 'a rejected decision changes nothing').toBe(true);
    expect(this.#answer.message, 'a rejection says why').toMatch(/\S/);
    if (expected.transient !== undefined)
      expect(this.#answer).toMatchObject({ transient: expected.transient });
    if (expected.message !== undefined) expect(this.#answer.message).toMatch(expected.message);
    return this;
  }

  /** The document. */
  thenAuction(id: string, expected: object | undefined): this {
    if (expected === undefined) expect(this.auction(id)).toBeUndefined();
    else expect(this.auction(id)).toMatchObject(expected);
    return this;
  }

  thenTask(taskId: string, expected: object): this {
    expect(this.task(taskId)).toMatchObject(expected);
    return this;
  }

  get answer() {
    return this.#answer;
  }

  auction(id: string): Auction | undefined {
    return this.#read<Auction>(`auction/${WORK}/${id}`);
  }

  /** What the query answers. */
  seen(id: string) {
    const auction = this.auction(id);
    if (auction === undefined) throw new Error(`there is no auction ${id}`);
    return publicAuction(auction);
  }

  /** The pool, and the auction as it was kept last. */
  looked(id: string): { readonly state: PoolState; readonly auction: Auction } {
    const [state, auction] = [this.#steady.world.pool(WORK), this.auction(id)];
    if (state === undefined || auction === undefined) throw new Error(`there is no auction ${id}`);
    return { state, auction };
  }

  task(taskId: string): Task | undefined {
    return this.#read<Task>(`task/${WORK}/${taskId}`);
  }

  get owingPools(): number {
    return this.#steady.world.owingPools;
  }

  get nextDue(): number | undefined {
    return this.#steady.world.nextDue();
  }

  take(step: Step): void {
    if ('at' in step) {
      if (step.at < this.now) throw new Error('log time never goes back');
      this.now = step.at;
      this.#answer = { status: 'accepted', events: [] };
      return;
    }
    this.#seq++;
    const { agent, pool, body, oldest } = step;
    const decision = { id: `d-${this.#seq}`, ...body };
    const subject =
      body.type === 'Sweep' || body.type === 'Settle'
        ? SUBJECTS.shardDecision(PLACE.shard, agent, pool)
        : SUBJECTS.decision(pool, agent, PLACE.shards);
    const decoded = decode(subject, Buffer.from(JSON.stringify(decision)), PLACE);
    const before = JSON.stringify([...this.#store]);
    this.#reloaded.world = this.#load(decoded, oldest);
    const answer = this.#steady.apply(decoded, this.now, this.#seq, oldest);
    expect(
      this.#reloaded.apply(decoded, this.now, this.#seq, oldest),
      'what was just loaded answers the same',
    ).toEqual(answer);
    this.#answer = answer;
    this.#tell(answer, { decisionId: decision.id, type: body.type, agent, pool });
    this.#keep();
    this.#unchanged = JSON.stringify([...this.#store]) === before;
  }

  #tell(
    answer: AppliedDecision,
    who: { decisionId: string; type: string; agent: string; pool: string },
  ): void {
    const applied = { ...who, body: 'b'.repeat(22), shard: PLACE.shard, seq: this.#seq, at: this.now };
    const rendered = renderEvents(applied, answer.events, SUBJECTS);
    const outcome = renderOutcome(applied, answer, rendered);
    this.told = {
      events: rendered.map(({ json }) => JSON.parse(json)),
      text: [...rendered.map(({ json }) => json), outcome].join('\n'),
    };
  }

  /** Both worlds changed the same documents in the same way, and have the same plans. */
  #keep(): void {
    const { changes } = this.#steady.world.takeChanges();
    const others = this.#reloaded.world.takeChanges().changes;
    expect(JSON.stringify(others)).toBe(JSON.stringify(changes));
    expect(this.#reloaded.world.nextDue()).toBe(this.#steady.world.nextDue());
    for (const change of changes) this.#write(change);
    this.#steady.world.forgetEnded(changes);
    for (const state of this.#steady.world.pools.values()) {
      const due = state.due.first(Number.POSITIVE_INFINITY);
      expect(this.#reloaded.world.pool(state.doc.pool)?.due.first(Number.POSITIVE_INFINITY)).toEqual(due);
    }
  }

  #write(change: DocumentChange): void {
    // Made and taken back again: nothing was there, and nothing is.
    if (change.before === undefined && change.after === undefined) return;
    const key = keyOf(change);
    if (change.after === undefined) this.#store.delete(key);
    else this.#store.set(key, JSON.stringify(change.after));
  }

  #read<T>(key: string): T | undefined {
    const json = this.#store.get(key);
    return json === undefined ? undefined : JSON.parse(json);
  }

  #list<T>(pool: string, kinds: readonly DocumentChange['kind'][]): T[] {
    return kinds.flatMap((kind) =>
      [...this.#store]
        .filter(([key]) => key.startsWith(`${kind}/${pool}/`))
        .map(([, json]): T => JSON.parse(json)),
    );
  }

  /** A fresh world with what is live, and of what has ended what the decision is going to touch. */
  #load(decoded: Decoded, oldest: OldestKept): World {
    const world = new World();
    world.changeSettings(this.#steady.world.settings);
    const touched = touchedBy(decoded, oldest);
    for (const { doc, sequence, retained } of this.#steady.world.pools.values()) {
      const state = world.load(JSON.parse(JSON.stringify(doc)), sequence, retained);
      for (const member of this.#list<Parameters<World['loadMember']>[1]>(doc.pool, ['member'])) {
        world.loadMember(state, member);
      }
      const entities = this.#list<Entity>(doc.pool, ENTITY_KINDS);
      const named = stillNamed(entities.filter((entity) => !hasEnded(entity)));
      const needed = new Set([...touched, ...named.map(nameOf)]);
      for (const entity of entities) {
        if (!hasEnded(entity) || needed.has(nameOf(refOf(entity)))) world.loadEntity(state, entity);
      }
      this.#fetchForSteady(doc.pool, touched);
    }
    for (const { pool, turn } of this.#steady.world.owing) world.loadTurn(pool, turn);
    return world;
  }

  /** The world that has run on needs the same of what ended. */
  #fetchForSteady(pool: string, touched: ReadonlySet<string>): void {
    const { world } = this.#steady;
    const state = world.pool(pool);
    if (state === undefined) return;
    for (const entity of this.#list<Entity>(pool, ENTITY_KINDS)) {
      const ref = refOf(entity);
      if (touched.has(nameOf(ref)) && !state.entities[ref.kind].has(ref.id)) world.loadEntity(state, entity);
    }
  }
}

/** As `<kind>/<id>`. */
function touchedBy(decoded: Decoded, oldest: OldestKept): ReadonlySet<string> {
  const isSweep = decoded.kind !== 'decision' || decoded.decision.type === 'Sweep';
  const pages = Object.values(oldest.ended).flatMap((pools) => [...pools.values()].flat());
  return new Set((isSweep ? pages : touches(decoded.decision)).map(nameOf));
}

function nameOf({ kind, id }: EntityRef): string {
  return entityRef(kind, id);
}
