import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { readItems } from '../../src/cli/stdin.ts';

const read = (text: string) => readItems(Readable.from([Buffer.from(text)]));

it.each([
  ['[{"a":1},{"amount":99999999999.123462}]', '[1].amount: number 99999999999.123462 would lose digits'],
  ['{"amount":99999999999.123462}', 'amount: number 99999999999.123462 would lose digits'],
  ['{"a":1}\n{"amount":99999999999.123462}', 'line 2: amount: number 99999999999.123462 would lose digits'],
  ['[{"a":1,"a":2}]', 'an object names the same member twice'],
])('what a decision cannot hold is refused however it comes in: %s', async (text, why) => {
  await expect(read(text)).rejects.toThrow(why);
});

it('a list may have more values in all than one decision', async () => {
  const item = JSON.stringify({ list: Array(5_000).fill(0) });
  expect(await read(`[${Array(5).fill(item).join()}]`)).toHaveLength(5);
});
