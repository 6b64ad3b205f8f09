/** What is drawn from the table of every type is a decision: whoever tries it wants to hear of rules, not of its form. */
import { expect, it } from 'vitest';
import { SINGLE_DECISIONS } from '../../src/protocol/decisions/index.ts';
import { Random } from '../../verify/kit/chance/random.ts';
import { drawDecision, weighing } from '../../verify/kit/decisions/draw.ts';
import type { Scene } from '../../verify/kit/decisions/scene.ts';
import { send } from '../handlers/message.ts';

function sceneOf(random: Random): Scene {
  return {
    random,
    now: 1_000,
    pool: 'work',
    agent: 'ann',
    agents: ['ann', 'bob', 'cyd'],
    labels: ['gpu', 'rust'],
    options: ['red', 'green', '2'],
    lasts: () => random.integer(300),
    name: (kind) => `${kind}-${random.integer(9)}`,
    known: (kind) => `${kind}-${random.integer(9)}`,
    held: () => (random.chance(0.5) ? { taskId: 'task-1', epoch: 1 } : undefined),
  };
}

it.each([...Object.keys(SINGLE_DECISIONS), 'Batch'])('%s', (type) => {
  const weights = type === 'Batch' ? {} : weighing({ [type]: 1 });
  for (let seed = 0; seed < 300; seed++) {
    const drawn = drawDecision(sceneOf(new Random(seed)), {
      weights,
      batches: type === 'Batch' ? 1 : 0,
      onBehalf: 0.2,
    });
    expect(drawn.type).toBe(type);
    expect(send('ann', 'work', { id: 'd', ...drawn })).toMatchObject({ kind: 'decision' });
  }
});
