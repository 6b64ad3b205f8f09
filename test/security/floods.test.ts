/** The floods of `npm run security`: each is refused by the quota that it meets, and the others go on. */
import { expect, it } from 'vitest';
import { runFloods } from '../../verify/security/attacks/index.ts';
import { FLOODED_SETTINGS } from '../../verify/security/attacks/memory.ts';
import { SecuritySystem } from '../../verify/security/system.ts';

it('4.2 one agent, many names, many pools, large ended work: the right refusal, and nobody else is refused', async () => {
  await using system = await SecuritySystem.start(process.env, () => undefined, {
    settings: FLOODED_SETTINGS,
  });
  const cases = await runFloods(system);
  expect(cases).toHaveLength(4);
  expect(cases.filter(({ expected, found }) => expected !== found)).toEqual([]);
}, 120_000);
