import { expect, it } from 'vitest';
import { within } from '../../src/lib/within.ts';

const never = new Promise<never>(() => undefined);

it('gives what the work comes to, also when it fails', async () => {
  expect(await within(60_000, Promise.resolve('done'), () => 'late')).toBe('done');
  await expect(within(60_000, Promise.reject(new Error('broken')), () => 'late')).rejects.toThrow('broken');
});

it('gives what stands for it when it takes too long, or throws', async () => {
  expect(await within(1, never, () => 'late')).toBe('late');
  const refused = within(1, never, () => {
    throw new Error('too late');
  });
  await expect(refused).rejects.toThrow('too late');
});
