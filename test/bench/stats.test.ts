import { expect, test } from 'vitest';
import { median, percentile, percentiles, rounded, spread } from '../../verify/bench/support/stats.ts';

test('the median of an even number of values is the mean of the two in the middle, whatever their order', () => {
  expect(median([9, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test('a spread names the middle and both ends', () => {
  expect(spread([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 });
});

test('a percentile is a value that was measured: the smallest that so many do not exceed', () => {
  const values = Array.from({ length: 1_000 }, (_, i) => i + 1);
  expect(percentile(values, 0.5)).toBe(500);
  expect(percentile(values, 0.99)).toBe(990);
  expect(percentile(values, 0.999)).toBe(999);
  expect(percentile(values, 1)).toBe(1_000);
  expect(percentile([7], 0.01)).toBe(7);
});

test('percentiles sort by size and not as text', () => {
  expect(percentiles([10, 9, 100, 1])).toEqual({ p50: 9, p99: 100, p999: 100, max: 100 });
});

test('figures are cut to the digits that they have', () => {
  expect(rounded(12_345.678)).toBe(12_350);
  expect(rounded(0.012345, 3)).toBe(0.0123);
  expect(rounded(Number.NaN)).toBeNaN();
});
