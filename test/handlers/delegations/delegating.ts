/**
 * Scenarios about delegations, told twice: by a world that has them all in memory, and by one that is loaded anew from
 * what a store would hold before every decision. No rule may tell the two apart.
 */
import { describe, expect } from 'vitest';
import type { PoolState } from '../../../src/handlers/world/pool-state.ts';
import type { DecisionInput } from '../../../src/protocol/decisions/index.ts';
import type { Delegation } from '../../../src/protocol/delegations.ts';
import { ENTITY_KINDS, type Entity, hasEnded, refOf } from '../../../src/protocol/entities.ts';
import { POOL } from '../message.ts';
import { by, Scenario } from '../scenario.ts';

export type Step = ReturnType<typeof by>;
export type Fields = Partial<Omit<Extract<DecisionInput, { type: 'Delegate' }>, 'type' | 'delegateeId'>>;

/** `id` is that of the decision and so of the delegation; the scope is `tasks` unless another is given. */
export function delegates(agent: string, delegateeId: string, id: string, fields: Fields = {}): Step {
  return by(agent, { type: 'Delegate', id, delegateeId, scope: ['tasks'], ...fields });
}

/** To all members of the pool. */
export function pools(agent: string, id: string, fields: Fields = {}): Step {
  return delegates(agent, POOL, id, { kind: 'pooled', ...fields });
}

export function revokes(agent: string, delegationId: string, onBehalfOf?: string): Step {
  return by(agent, { type: 'RevokeDelegation', delegationId, ...inNameOf(onBehalfOf) });
}

export function cancels(agent: string, taskId: string, onBehalfOf?: string): Step {
  return by(agent, { type: 'CancelTask', taskId, ...inNameOf(onBehalfOf) });
}

function inNameOf(onBehalfOf: string | undefined): { onBehalfOf?: string } {
  return onBehalfOf === undefined ? {} : { onBehalfOf };
}

/** Both worlds, each with its own scenarios: `given` starts one. */
export function inBothWorlds(tests: (given: (...steps: readonly Step[]) => Delegating) => void): void {
  describe.each([
    ['in memory', false],
    ['loaded anew before every decision', true],
  ])('%s', (_, isReloaded) => {
    tests((...steps) => new Delegating(isReloaded).given(...steps));
  });
}

export class Delegating extends Scenario {
  readonly #isReloaded: boolean;
  readonly #ended = new Map<string, Entity>();
  /** Of the ended ones those that were there for the last decision: gone since then means removed. */
  #fetched: readonly Entity[] = [];

  constructor(isReloaded: boolean) {
    super();
    this.#isReloaded = isReloaded;
  }

  override given(...steps: readonly Step[]): this {
    for (const step of steps) {
      this.#reloadFor(step);
      super.given(step);
    }
    return this;
  }

  override when(...steps: readonly Step[]): this {
    this.given(...steps.slice(0, -1));
    for (const step of steps.slice(-1)) {
      this.#reloadFor(step);
      const before = structuredClone(this.#delegations());
      super.when(step);
      if (this.answer.status === 'rejected') expect(this.#delegations()).toEqual(before);
    }
    return this;
  }

  thenDelegation(id: string, expected: object | undefined, poolId: string = POOL): this {
    const found = this.world.pool(poolId)?.entities.delegation.get(id);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toMatchObject(expected);
    return this;
  }

  /** For whom each of the events happened. */
  thenPrincipals(...principals: readonly (string | undefined)[]): this {
    expect(this.answer.events.map(({ principal }) => principal)).toEqual(principals);
    return this;
  }

  #delegations(): Delegation[] {
    return [...this.world.pools.values()].flatMap(({ entities }) => [...entities.delegation.values()]);
  }

  /** What ended is fetched for a decision that names it and for a sweep that may remove it, and for no other. */
  #reloadFor(step: Step): void {
    if (!this.#isReloaded) return;
    for (const entity of this.#fetched) {
      const { kind, id } = refOf(entity);
      if (!this.world.pool(entity.pool)?.entities[kind].has(id)) this.#ended.delete(id);
    }
    const pages = 'oldest' in step ? Object.values(step.oldest.ended).map((page) => [...page.values()]) : [];
    const named = JSON.stringify([step, pages]);
    const isNamed = (entity: Entity) => named.includes(`"${refOf(entity).id}"`);
    const pools = [...this.world.pools.values()];
    for (const entity of pools.flatMap(endedOf)) this.#ended.set(refOf(entity).id, entity);
    this.#fetched = [...this.#ended.values()].filter(isNamed);
    for (const state of pools) this.#reload(state);
  }

  #reload(state: PoolState): void {
    const loaded = this.world.load(copyOf(state.doc), state.sequence, state.retained);
    for (const member of state.members.values()) this.world.loadMember(loaded, copyOf(member));
    const fetched = this.#fetched.filter(({ pool }) => pool === state.doc.pool);
    for (const entity of [...fetched, ...liveOf(state).reverse()])
      this.world.loadEntity(loaded, copyOf(entity));
  }
}

function entitiesOf({ entities }: PoolState): Entity[] {
  return ENTITY_KINDS.flatMap((kind): Entity[] => [...entities[kind].values()]);
}

function liveOf(state: PoolState): Entity[] {
  return entitiesOf(state).filter((entity) => !hasEnded(entity));
}

function endedOf(state: PoolState): Entity[] {
  return entitiesOf(state).filter(hasEnded);
}

function copyOf<T>(document: T): T {
  return JSON.parse(JSON.stringify(document));
}
