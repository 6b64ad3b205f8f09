/**
 * Bugs in the rules themselves: what replays the log has them as well, so that no comparison shows them. Only a judge that
 * knows the rules for itself can.
 */
import { StandingOffers } from '../../src/handlers/offers/standing-offers.ts';
import { Marks } from '../../src/handlers/world/marks.ts';
import { PoolState } from '../../src/handlers/world/pool-state.ts';
import { World } from '../../src/handlers/world/world.ts';
import { fenceOf } from '../../src/protocol/marks.ts';

/** Plants it, and returns how it is taken out again. */
export type RuleBug = () => () => void;

/** Puts another method in the place of one. */
function instead<K extends string, C extends Readonly<Record<K, unknown>>>(
  of: C,
  name: K,
  other: C[K],
): () => void {
  const before = Object.getOwnPropertyDescriptor(of, name);
  if (before === undefined) throw new Error(`there is no ${name} to plant a bug in`);
  Object.defineProperty(of, name, { ...before, value: other });
  return () => void Object.defineProperty(of, name, before);
}

export const RULE_BUGS: Readonly<Record<string, RuleBug>> = {
  'let no guard see a mark': () => instead(PoolState.prototype, 'fenceOf', () => undefined),

  'take a ban from all pools for none': () =>
    instead(Marks.prototype, 'covering', function (this: Marks, pool, agent, made) {
      return fenceOf(this.of(pool, agent), made);
    }),

  'match no task that comes after its offer': () =>
    instead(StandingOffers.prototype, 'stirTasks', () => undefined),

  'pass over one of the pools that owe': () => {
    const { nextOwing } = World.prototype;
    return instead(World.prototype, 'nextOwing', function (this: World) {
      const next = nextOwing.call(this);
      return next?.pool === 'commons' ? undefined : next;
    });
  },
};
