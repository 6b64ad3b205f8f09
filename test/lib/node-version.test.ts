/** An older Node.js is told in a sentence, before anything is loaded that it cannot read. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { nodeFault } from '../../src/lib/program/node-version.ts';

it.each([
  ['18.19.0', /^converge: Node\.js 20 or newer is needed, this is 18\.19\.0/],
  ['16.0.0', /20 or newer/],
])('%s is refused in a sentence', (version, fault) => {
  expect(nodeFault('converge', version)).toMatch(fault);
});

it.each(['20.0.0', '22.1.0', '100.0.0'])('%s will do', (version) => {
  expect(nodeFault('converge', version)).toBeUndefined();
});

it.each(['src/cli', 'demo'])('the entry of %s loads nothing before it has asked', async (entry) => {
  const text = await readFile(new URL(`../../${entry}/main.ts`, import.meta.url), 'utf8');
  const imports = [...text.matchAll(/^import .* from '(?<from>[^']*)'/gm)].map((found) => found.groups?.from);
  expect(imports).toHaveLength(1);
  expect(imports[0]).toMatch(/\/lib\/program\/node-version\.ts$/);
  const asked = await readFile(new URL('../../src/lib/program/node-version.ts', import.meta.url), 'utf8');
  expect(asked).not.toMatch(/^import /m);
});
