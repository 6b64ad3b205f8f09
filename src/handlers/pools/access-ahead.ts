/**
 * Access to pools as far as it can be known before a batch of the log is decided. Who is let in by then is let in here; who is
 * not may yet be, by what stands before it in the batch, and so whatever can let in others opens the pool for the rest.
 */
import type { SingleDecision, SingleType } from '../../protocol/decisions/index.ts';
import type { World } from '../world/world.ts';
import { deniedAccess } from './access.ts';

/** After these an agent may know of a pool that did not before. A pool that is new has nothing that could be looked up. */
const LETTING_IN: ReadonlySet<SingleType> = new Set(['JoinPool', 'Delegate', 'UpdatePool', 'UnbanAgent']);

export class AccessAhead {
  readonly #world: World;
  readonly #from: number;
  readonly #opened = new Set<string>();

  /** `from`: when the batch begins. Presence and delegations lapse after that, and what does not lapse in it is there. */
  constructor(world: World, from: number) {
    this.#world = world;
    this.#from = from;
  }

  lets(decision: SingleDecision, pool: string, agent: string): boolean {
    const place = { pool, agent, now: this.#from };
    if (!this.#opened.has(pool) && deniedAccess(this.#world, decision, place) !== undefined) return false;
    if (LETTING_IN.has(decision.type)) this.#opened.add(pool);
    return true;
  }
}
