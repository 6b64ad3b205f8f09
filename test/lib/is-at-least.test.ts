import { expect, it } from 'vitest';
import { isAtLeast } from '../../src/lib/is-at-least.ts';

it.each([
  ['2.10.0', '2.9.0'],
  ['2.9.0', '2.9.0'],
  ['3.0', '2.99.99'],
  ['2.9.15-RC.1', '2.9.15'],
  ['unreadable', '2.9.0'],
])('version %s is at least %s', (version, least) => {
  expect(isAtLeast(version, least)).toBe(true);
});

it.each([
  ['2.9.10', '2.9.15'],
  ['2.9', '2.9.1'],
  ['1.99.99', '2.0.0'],
  ['', '2.9.0'],
])('version %j is older than %s', (version, least) => {
  expect(isAtLeast(version, least)).toBe(false);
});
