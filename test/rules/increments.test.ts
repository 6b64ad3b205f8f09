import { describe, expect, it } from 'vitest';
import { type Amount, incrementAt, parseIncrement } from '../../src/rules/index.ts';
import { amount } from './bidding.ts';
import { EBAY_INCREMENTS } from './ebay.ts';

const table = parseIncrement(EBAY_INCREMENTS);

function stepAt(price: number): Amount | undefined {
  return table === undefined ? undefined : incrementAt(table, amount(price));
}

describe('increments', () => {
  it('the first row whose bound is above the price holds; the bound itself belongs to the next row', () => {
    expect(stepAt(0)).toBe(amount(0.05));
    expect(stepAt(0.99)).toBe(amount(0.05));
    expect(stepAt(1)).toBe(amount(0.25));
    expect(stepAt(249.99)).toBe(amount(2.5));
    expect(stepAt(250)).toBe(amount(5));
    expect(stepAt(1_000_000)).toBe(amount(100));
  });

  it('above a table whose last row has a bound, that row holds on', () => {
    expect(incrementAt([{ below: 10n, step: 1n }], 10n)).toBe(1n);
  });

  it('one amount holds at every price', () => {
    expect(parseIncrement('0.5')).toBe(amount(0.5));
    expect(incrementAt(5n, 1_000n)).toBe(5n);
  });

  it.each([
    ['an empty table', []],
    [
      'a bound that does not rise',
      [
        { below: 5, step: 1 },
        { below: 5, step: 2 },
      ],
    ],
    ['a row after one without a bound', [{ step: 1 }, { below: 5, step: 2 }]],
    ['a row without a step', [{ below: 5 }]],
    ['a step below zero', [{ step: -1 }]],
    ['a bound that is no amount', [{ below: 'ten', step: 1 }]],
    ['rows that are none', [1, null]],
    ['more rows than a table may have', Array.from({ length: 65 }, (_, i) => ({ below: i + 1, step: 1 }))],
    ['nothing', undefined],
    ['an object', { step: 1 }],
  ])('refuses %s', (_, value) => {
    expect(parseIncrement(value)).toBeUndefined();
  });

  it('an empty table made by hand has no increment to give', () => {
    expect(() => incrementAt([], 1n)).toThrow(RangeError);
  });
});
