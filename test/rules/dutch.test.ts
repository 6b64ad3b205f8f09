import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeAfterBid, type DutchRules, dutchPriceAt, placeDutchBid } from '../../src/rules/index.ts';
import { amount } from './bidding.ts';

const falling: DutchRules = {
  direction: 'forward',
  startPrice: amount(100),
  step: amount(5),
  stepMs: 1_000,
  reserve: amount(88),
};
const rising: DutchRules = { ...falling, direction: 'reverse', reserve: amount(112) };
const openedAt = 1_000_000;

describe('Dutch auction', () => {
  it.each([
    [-1, 100],
    [0, 100],
    [999, 100],
    [1_000, 95],
    [2_999, 90],
    [3_000, 88],
    [1_000_000_000, 88],
  ])(
    '%i ms after the opening the price is %i: it falls at the end of every step, down to the reserve',
    (ms, price) => {
      expect(dutchPriceAt(falling, openedAt, openedAt + ms)).toBe(amount(price));
    },
  );

  it('in reverse the price rises up to the reserve', () => {
    const prices = [0, 1_000, 2_000, 3_000].map((ms) => dutchPriceAt(rising, openedAt, openedAt + ms));
    expect(prices).toEqual([100, 105, 110, 112].map(amount));
  });

  it('without a reserve the price falls to zero', () => {
    const { reserve: _, ...rules } = falling;
    expect(dutchPriceAt(rules, openedAt, openedAt + 3_600_000)).toBe(0n);
  });

  it('the first bid takes it at the price of the moment, however much more it offered', () => {
    const bid = { amount: amount(200), atMs: openedAt + 1_500 };
    expect(placeDutchBid(falling, openedAt, bid)).toEqual({ accepted: true, price: amount(95) });
  });

  it('a bid that does not reach the price of the moment is too low', () => {
    const bid = { amount: amount(94), atMs: openedAt + 1_500 };
    expect(placeDutchBid(falling, openedAt, bid)).toMatchObject({
      code: 'bid_too_low',
      required: amount(95),
    });
    const dear = { amount: amount(106), atMs: openedAt + 1_500 };
    expect(placeDutchBid(rising, openedAt, dear)).toMatchObject({
      code: 'bid_too_low',
      required: amount(105),
    });
  });

  it('falling and rising mirror each other at every moment', () => {
    fc.assert(
      fc.property(fc.integer({ min: -10_000, max: 10_000 }), (ms) => {
        const at = openedAt + ms;
        expect(dutchPriceAt(falling, openedAt, at) + dutchPriceAt(rising, openedAt, at)).toBe(amount(200));
      }),
    );
  });

  it.each([0, -1, 0.5, Number.NaN])('a step of %d ms is none', (stepMs) => {
    expect(() => dutchPriceAt({ ...falling, stepMs }, 0, 0)).toThrow(RangeError);
  });
});

describe('soft close', () => {
  const soft = { closesAtMs: 10_000, softCloseMs: 1_000, latestCloseAtMs: 30_000 };

  it('a bid within the time before the close moves the close, an earlier one does not', () => {
    expect(closeAfterBid(soft, 9_500)).toBe(10_500);
    expect(closeAfterBid(soft, 9_000)).toBe(10_000);
    expect(closeAfterBid(soft, 1_000)).toBe(10_000);
  });

  it('moves it again and again', () => {
    const closes = [9_500, 10_400, 11_300].reduce(
      (closesAtMs, bidAt) => closeAfterBid({ ...soft, closesAtMs }, bidAt),
      10_000,
    );
    expect(closes).toBe(12_300);
  });

  it('but never beyond the latest close, and never to an earlier moment', () => {
    expect(closeAfterBid({ ...soft, latestCloseAtMs: 10_200 }, 9_500)).toBe(10_200);
    expect(closeAfterBid({ ...soft, closesAtMs: 10_200, latestCloseAtMs: 10_200 }, 10_199)).toBe(10_200);
    expect(closeAfterBid({ ...soft, latestCloseAtMs: 9_000 }, 9_999)).toBe(10_000);
  });
});
