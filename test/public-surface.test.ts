/** The public names of the package are a promise: whoever changes them changes `public-surface.txt`, and says so. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { publicSurface } from './support/public-surface.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  readonly exports: Readonly<Record<string, { readonly default: string }>>;
};
/** By the name under which it is imported; compiled code lies in `dist` as its sources lie in the repository. */
const entries = Object.entries(exports).map(([name, { default: file }]) => ({
  name,
  source: `${root}${file.replace('./dist/', '').replace(/\.js$/, '.ts')}`,
}));

it('the public names are those that were reviewed', () => {
  const lines = entries.flatMap(({ name: entry, source }) =>
    publicSurface(source).map(({ kind, name }) => `${entry} ${kind} ${name}\n`),
  );
  const reviewed = readFileSync(new URL('public-surface.txt', import.meta.url), 'utf8');
  expect(lines.join('')).toBe(reviewed);
});

it.each(entries)('every public name and member of $name says what it is', ({ source }) => {
  const silent = publicSurface(source).flatMap(({ name, undocumented }) =>
    undocumented.map((member) => (member === '' ? name : `${name}.${member}`)),
  );
  expect(silent).toEqual([]);
});
