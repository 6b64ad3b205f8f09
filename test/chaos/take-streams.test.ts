/** A history of a flood must not be as large as the flood. */
import { expect, it } from 'vitest';
import { shortened } from '../../verify/chaos/history/take-streams.ts';

const LONG = 'x'.repeat(64 * 1024);

it('very long members are told apart by their hash, and all others stay', () => {
  const short = shortened(JSON.stringify({ id: 'f1', inputs: LONG, deep: { notes: [LONG] } }));
  expect(short.length).toBeLessThan(300);
  expect(JSON.parse(short)).toMatchObject({ id: 'f1', inputs: expect.stringMatching(/^sha256:/) });
  expect(shortened(JSON.stringify({ id: 'f1', inputs: `${LONG}y`, deep: { notes: [LONG] } }))).not.toBe(
    short,
  );
});

it('what is short, and what cannot be read, is kept as it is', () => {
  const text = '{"b":1,  "a":2}';
  expect(shortened(text)).toBe(text);
  expect(shortened(LONG)).toBe(LONG);
});
