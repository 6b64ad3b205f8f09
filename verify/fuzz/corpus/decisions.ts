/** Valid decisions of every type, aimed at what stands in the small world: what mutations begin with. */
import type { JsonObject } from '../../../src/protocol/json.ts';
import type { Random } from '../../kit/chance/random.ts';
import { drawDecision, type Shares } from '../../kit/decisions/draw.ts';
import type { Kind, Scene } from '../../kit/decisions/scene.ts';
import { AGENTS, START } from './names.ts';

const KNOWN: Readonly<Record<Kind, readonly [string, ...string[]]>> = {
  task: ['t-pending', 't-held', 't-running', 't-blocked', 't-later', 't-done', 't-sold', 't-none'],
  auction: ['a-first', 'a-second', 'a-english', 'a-dutch', 'a-reverse', 'a-over', 'a-none'],
  vote: ['v-plurality', 'v-ranked', 'v-two-thirds', 'v-over', 'v-none'],
  negotiation: ['n-open', 'n-agreed', 'n-none'],
  delegation: ['d-given', 'd-passed', 'd-none'],
};

const SHARES: Shares = { weights: {}, batches: 0.12, onBehalf: 0.08 };
const SWEEPS = 0.02;

/** One decision, a Batch of some, or a Sweep; always with an id. */
export function validDecision(random: Random): { readonly type: string } & JsonObject {
  const id = `d-${random.integer(1_000_000)}`;
  if (random.chance(SWEEPS)) return { id, ...sweep(random) };
  return { id, ...drawDecision(sceneOf(random), SHARES) };
}

function sceneOf(random: Random): Scene {
  return {
    random,
    now: START,
    pool: 'work',
    agent: random.pick(AGENTS),
    agents: AGENTS,
    labels: ['gpu', 'rust', 'x', 'a label with blanks'],
    options: ['red', 'green', '2', '10'],
    lasts: () => random.integer(9_000),
    name: (kind) => `${kind.slice(0, 1)}-${random.integer(1_000)}`,
    known: (kind) => random.pick(KNOWN[kind]),
    held: () => ({ taskId: random.pick(['t-held', 't-running', 't-done']), epoch: 1 }),
  };
}

function sweep(random: Random): { readonly type: string } & JsonObject {
  return {
    type: 'Sweep',
    ...(random.chance(0.4) ? { until: START + random.integer(2_000) } : {}),
    ...(random.chance(0.4) ? { limit: random.between(1, 10) } : {}),
    ...(random.chance(0.4) ? { settings: { finalRetentionMs: random.between(1, 10_000) } } : {}),
  };
}
