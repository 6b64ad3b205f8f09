/** Draws decisions: which types, and how often each, is for those to say who try them. */
import { isSingleType, type SingleType } from '../../../src/protocol/decisions/index.ts';
import type { JsonObject } from '../../../src/protocol/json.ts';
import { GENERATORS } from './every-type.ts';
import type { Scene } from './scene.ts';

/** How often each type comes, next to the others: 0 for never, 1 where nothing is said. */
export type Weights = Readonly<Partial<Record<SingleType, number>>>;

/** These types and no others. */
export function weighing(weights: Weights): Weights {
  return { ...NONE, ...weights };
}

const NONE: Weights = Object.fromEntries(Object.keys(GENERATORS).map((type) => [type, 0]));

export type Drawn = { readonly type: SingleType | 'Batch' } & JsonObject;

export interface Shares {
  readonly weights: Weights;
  readonly batches: number;
  readonly onBehalf: number;
}

const MOST_IN_BATCH = 4;

/** One decision without its id: of a single type, or a Batch of some. */
export function drawDecision(scene: Scene, { weights, batches, onBehalf }: Shares): Drawn {
  const { random } = scene;
  if (!random.chance(batches)) return drawSingle(scene, weights, onBehalf);
  const decisions = Array.from({ length: random.between(1, MOST_IN_BATCH) }, () =>
    drawSingle(scene, weights, onBehalf),
  );
  return { type: 'Batch', ...(random.chance(0.7) ? { atomic: random.chance(0.5) } : {}), decisions };
}

function drawSingle(scene: Scene, weights: Weights, onBehalf: number): Drawn {
  const { random, agents } = scene;
  const type = drawType(scene, weights);
  const drawn = { type, ...GENERATORS[type](scene) };
  return random.chance(onBehalf) ? { ...drawn, onBehalfOf: random.pick(agents) } : drawn;
}

function drawType({ random }: Scene, weights: Weights): SingleType {
  const entries = Object.keys(GENERATORS)
    .filter((type) => isSingleType(type))
    .map((type) => ({ type, weight: weights[type] ?? 1 }));
  let left = random.next() * entries.reduce((sum, { weight }) => sum + weight, 0);
  for (const { type, weight } of entries) {
    left -= weight;
    if (left < 0) return type;
  }
  return 'Heartbeat';
}
