/** Token buckets by themselves: how they fill, in which order they are forgotten, and how many there can be. */
import { describe, expect, it } from 'vitest';
import { Buckets, type Rate } from '../../../src/handlers/quotas/buckets.ts';
import { MAX_BUCKETS, MINUTE_MS } from '../../../src/protocol/limits.ts';

const TEN: Rate = { perS: 10, burst: 10 };
const NOW = 1_000;

function taken(...keys: readonly string[]): Buckets {
  const buckets = new Buckets();
  for (const [i, key] of keys.entries()) buckets.take(key, TEN, i + 1, NOW);
  return buckets;
}

describe('Buckets', () => {
  it('lets as many through at once as the burst says, and no more', () => {
    const buckets = new Buckets();
    expect(buckets.waitMs('a', TEN, 10, NOW)).toBe(0);
    buckets.take('a', TEN, 9, NOW);
    expect(buckets.waitMs('a', TEN, 1, NOW)).toBe(0);
    expect(buckets.waitMs('a', TEN, 2, NOW)).toBe(100);
    expect(buckets.waitMs('b', TEN, 2, NOW)).toBe(0);
  });

  it('one that was loaded is as full as it was', () => {
    const buckets = new Buckets();
    buckets.load('a', 2_000_000);
    expect(buckets.all()).toEqual([['a', 2_000_000]]);
    expect(buckets.waitMs('a', TEN, 1, NOW)).toBe(100);
    expect(buckets.takeChanges().size).toBe(0);
  });

  it('what was taken of changes is not touched by those that come later', () => {
    const buckets = new Buckets();
    const none = buckets.takeChanges();
    buckets.take('a', TEN, 1, NOW);
    const one = buckets.takeChanges();
    buckets.take('b', TEN, 1, NOW);
    expect([...none.keys()]).toEqual([]);
    expect([...one.keys()]).toEqual(['a']);
  });

  it('a rate beyond a million a second still takes a microsecond', () => {
    const buckets = new Buckets();
    buckets.take('a', { perS: 3_000_000, burst: 5 }, 5, NOW);
    expect(buckets.all()).toEqual([['a', NOW * 1_000 + 5]]);
  });

  it('are listed by when they are full again, and of the same time by key', () => {
    const buckets = taken('c', 'b', 'a');
    buckets.take('B', TEN, 2, NOW);
    expect(buckets.all().map(([key]) => key)).toEqual(['c', 'B', 'b', 'a']);
  });

  it('are in one order whatever they were taken in', () => {
    const keys = ['d', 'a', 'e', 'c', 'b'];
    for (const order of [keys, [...keys].reverse(), [...keys].sort()]) {
      const buckets = new Buckets();
      for (const key of order) buckets.take(key, TEN, 1, NOW);
      expect(buckets.all().map(([key]) => key)).toEqual(['a', 'b', 'c', 'd', 'e']);
    }
  });

  it('are due a minute after they are full again', () => {
    expect(new Buckets().nextDue()).toBeUndefined();
    expect(taken('a').nextDue()).toBe(NOW + 100 + MINUTE_MS);
  });

  it('are forgotten from when they are due, those first that were full first, and no more than asked', () => {
    const buckets = taken('a', 'b', 'c');
    buckets.forget(NOW + 199 + MINUTE_MS, 5);
    expect(buckets.all().map(([key]) => key)).toEqual(['b', 'c']);
    buckets.forget(NOW + 5_000 + MINUTE_MS, 1);
    expect(buckets.all().map(([key]) => key)).toEqual(['c']);
  });

  it('tell each change once: what they are now, or that they are no more', () => {
    const buckets = taken('a', 'b');
    expect([...buckets.takeChanges()]).toEqual([
      ['a', 1_100_000],
      ['b', 1_200_000],
    ]);
    expect(buckets.takeChanges().size).toBe(0);
    buckets.forget(NOW + 100 + MINUTE_MS, 5);
    expect([...buckets.takeChanges()]).toEqual([['a', undefined]]);
  });

  it(`the ${MAX_BUCKETS + 1}th has to wait for another to be forgotten; those that are there go on`, () => {
    const buckets = new Buckets();
    for (let i = 1; i < MAX_BUCKETS; i++) buckets.load(`k-${i}`, 0);
    expect(buckets.waitMs('last', TEN, 1, NOW)).toBe(0);
    buckets.take('last', TEN, 1, NOW);
    expect(buckets.size).toBe(MAX_BUCKETS);
    expect(buckets.waitMs('more', TEN, 1, NOW)).toBe(MINUTE_MS);
    expect(buckets.waitMs('last', TEN, 1, NOW)).toBe(0);
  });
});
