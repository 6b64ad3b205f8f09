import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IndexedHeap } from '../../../src/handlers/world/indexed-heap.ts';

interface Item {
  readonly rank: number;
  readonly key: string;
}

const before = (a: Item, b: Item) => (a.rank !== b.rank ? a.rank < b.rank : a.key < b.key);
const sorted = (items: Iterable<Item>) => [...items].sort((a, b) => (before(a, b) ? -1 : 1));

const operation = fc.record({
  key: fc.constantFrom(...'abcdefghij'),
  rank: fc.integer({ min: 0, max: 5 }),
  isDelete: fc.boolean(),
});

function play(operations: readonly { key: string; rank: number; isDelete: boolean }[]) {
  const heap = new IndexedHeap<Item>(before);
  const model = new Map<string, Item>();
  for (const { key, rank, isDelete } of operations) {
    if (isDelete) expect(heap.delete(key)).toBe(model.delete(key));
    else {
      heap.set(key, { rank, key });
      model.set(key, { rank, key });
    }
    expect(heap.size).toBe(model.size);
    expect(heap.peek()).toEqual(sorted(model.values())[0]);
    expect(heap.get(key)).toEqual(model.get(key));
  }
  return { heap, model };
}

describe('IndexedHeap', () => {
  it('holds what was set and not deleted, the first on top, whatever its history', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const { heap, model } = play(operations);
        expect(heap.first(Number.POSITIVE_INFINITY)).toEqual(sorted(model.values()));
      }),
    );
  });

  it('first looks without taking: the first that are wanted, up to a bound', () => {
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 60 }),
        fc.nat(8),
        fc.nat(6),
        fc.nat(3),
        (operations, count, until, divisor) => {
          const { heap, model } = play(operations);
          const isWanted = ({ rank }: Item) => divisor === 0 || rank % divisor === 0;
          const found = heap.first(count, isWanted, ({ rank }) => rank >= until);
          const all = sorted(model.values());
          expect(found).toEqual(all.filter((item) => item.rank < until && isWanted(item)).slice(0, count));
          expect(heap.first(Number.POSITIVE_INFINITY)).toEqual(all);
        },
      ),
    );
  });
});
