import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareAmounts, formatAmount, MAX_AMOUNT, parseAmount } from '../../src/rules/index.ts';

const anyAmount = fc.bigInt({ min: 0n, max: MAX_AMOUNT });

describe('amounts', () => {
  it.each([
    [0, 0n],
    [-0, 0n],
    ['0', 0n],
    [1, 1_000_000n],
    [0.1, 100_000n],
    [2.5, 2_500_000n],
    ['2.50', 2_500_000n],
    [0.000001, 1n],
    ['0.000001', 1n],
    [123456789.123457, 123_456_789_123_457n],
    ['999999999999999.999999', 999_999_999_999_999_999_999n],
    [1e15, MAX_AMOUNT],
    ['1000000000000000', MAX_AMOUNT],
  ])('reads %s exactly', (value, amount) => {
    expect(parseAmount(value)).toBe(amount);
  });

  it.each([
    ['seven places', 1e-7],
    ['seven places in a string', '0.0000001'],
    ['seven places, the last a zero', '1.0000000'],
    ['the residue of a binary sum', 0.1 + 0.2],
    ['more than the largest amount', 1e15 + 1],
    ['a little more than the largest amount', '1000000000000000.000001'],
    ['a number so large that it prints with an exponent', 1e21],
    ['below zero', -1],
    ['below zero in a string', '-1'],
    ['an exponent', '1e3'],
    ['a leading zero', '01'],
    ['no digit before the point', '.5'],
    ['no digit after the point', '5.'],
    ['a plus sign', '+1'],
    ['space', ' 1'],
    ['a line end', '1\n'],
    ['digits of another script', '१'],
    ['nothing', ''],
    ['not a number', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['null', null],
    ['undefined', undefined],
    ['a bigint', 1n],
    ['a list', [1]],
    ['an object that prints as a number', { toString: () => '1' }],
  ])('refuses %s', (_, value) => {
    expect(parseAmount(value)).toBeUndefined();
  });

  it('reads its own text back, and no other text is as short', () => {
    fc.assert(
      fc.property(anyAmount, (amount) => {
        const text = formatAmount(amount);
        expect(parseAmount(text)).toBe(amount);
        expect(text).not.toMatch(/\.\d*0$|\.$/);
      }),
    );
  });

  it('takes a number of up to fifteen digits as it is written', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10 ** 15 - 1 }),
        fc.integer({ min: 0, max: 6 }),
        (digits, places) => {
          const text = formatAmount(BigInt(digits) * 10n ** BigInt(6 - places));
          expect(parseAmount(JSON.parse(text))).toBe(parseAmount(text));
        },
      ),
    );
  });

  it('writes differences below zero with a sign', () => {
    expect(formatAmount(-1_500_000n)).toBe('-1.5');
    expect(formatAmount(-1n)).toBe('-0.000001');
  });

  it('sorts the smaller first', () => {
    expect([3n, 1n, 2n, 1n].sort(compareAmounts)).toEqual([1n, 1n, 2n, 3n]);
  });
});
