import { expect, it } from 'vitest';
import { uuidv7 } from '../../src/client/index.ts';
import { isName } from '../../src/protocol/names.ts';

it('an id is a UUID of version 7 that can stand in a subject', () => {
  const id = uuidv7(0x0123456789ab);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(isName(id)).toBe(true);
});

it('ids begin with the time in milliseconds', () => {
  const now = Date.now() + 1_000_000;
  expect(Number.parseInt(uuidv7(now).replace('-', '').slice(0, 12), 16)).toBe(now);
});

it('ids sort in the order in which they were made, also thousands within one millisecond', () => {
  const now = Date.now() + 2_000_000;
  const ids = Array.from({ length: 20_000 }, () => uuidv7(now));
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
});

it('ids go on rising when the clock is set back', () => {
  const later = uuidv7(Date.now() + 9_000_000);
  expect(uuidv7(Date.now()) > later).toBe(true);
});
