/** A sample of `npm run security`, which tries all of it. */
import { expect, it } from 'vitest';
import { runAttacks } from '../../verify/security/attacks/index.ts';
import { runMatrix } from '../../verify/security/matrix.ts';
import { runPrivate } from '../../verify/security/private/index.ts';
import { useGuardedSystem } from '../auth/guarded.ts';

const guarded = useGuardedSystem();

it('every attack with an agent’s credentials has the outcome that it has to have', async () => {
  const cases = await runAttacks(guarded.system);
  expect(cases.length).toBeGreaterThan(70);
  expect(cases.filter(({ expected, found }) => expected !== found)).toEqual([]);
});

it('every decision and every query on a private pool tells strangers what there would be without it', async () => {
  const cases = await runPrivate(guarded.system);
  expect(cases.length).toBeGreaterThan(200);
  expect(cases.filter(({ expected, found }) => expected !== found)).toEqual([]);
}, 120_000);

it('every role may do what it may, and nothing else', async () => {
  const cases = await runMatrix(guarded.system, { every: 5 });
  expect(cases.length).toBeGreaterThan(200);
  expect(new Set(cases.map(({ found }) => found))).toContain('denied');
  expect(cases.filter(({ expected, found }) => expected !== found)).toEqual([]);
});
