/** The table of walls, `scripts/walls/table.mjs`: what `npm run check` refuses, on a small tree of files. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('../scripts/walls/main.mjs', import.meta.url));

/** What the check says about these files, and nothing where it finds them sound. */
function check(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'converge-walls-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    const { status, stderr } = spawnSync(process.execPath, [script, root], { encoding: 'utf8' });
    expect(status).toBe(stderr === '' ? 0 : 1);
    return stderr;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const RULE = 'export const one = 1;\nexport type One = 1;\n';

it('what the table allows is not spoken of', () => {
  const handler =
    "import { createHash } from 'node:crypto';\nimport { one } from '../rules/one.ts';\nconsole.log(createHash, one);\n";
  expect(check({ 'src/rules/one.ts': RULE, 'src/handlers/a.ts': handler })).toBe('');
});

it('an import against the table is refused, with file, line, import and row', () => {
  const said = check({
    'src/state/redis.ts': RULE,
    'src/handlers/tasks/a.ts': "\nimport { one } from '../../state/redis.ts';\nconsole.log(one);\n",
  });
  expect(said).toContain("src/handlers/tasks/a.ts:2 imports '../../state/redis.ts' of src/state");
  expect(said).toContain('against the row src/handlers');
  expect(said).toContain('imports: src/protocol, src/rules');
});

it.each([
  ['a type', "import type { One } from '../state/redis.ts';\nexport const a: One = 1;\n"],
  ['one type among values', "import { type One } from '../state/redis.ts';\nexport const a: One = 1;\n"],
  ['a name that is passed on', "export { one } from '../state/redis.ts';\n"],
  ['all names that are passed on', "export * from '../state/redis.ts';\n"],
  ['an import while it runs', "export const a = () => import('../state/redis.ts');\n"],
  ['the type of an import', "export type A = import('../state/redis.ts').One;\n"],
  ['an import for its effects', "import '../state/redis.ts';\n"],
])('walls hold for %s', (_what, text) => {
  expect(check({ 'src/state/redis.ts': RULE, 'src/bus/a.ts': text })).toContain('against the row src/bus');
});

it.each([
  ['src/bus/a.ts', 'ioredis'],
  ['src/client/a.ts', 'pino'],
  ['src/handlers/a.ts', 'node:fs'],
  ['src/rules/a.ts', 'zod'],
])('a package is refused where no row names it: %s, %s', (file, name) => {
  expect(check({ [file]: `import * as all from '${name}';\nconsole.log(all);\n` })).toContain(
    `${file}:1 imports '${name}'`,
  );
});

it('an import that cannot be judged is refused', () => {
  expect(check({ 'src/bus/a.ts': 'export const load = (name: string) => import(name);\n' })).toContain(
    "src/bus/a.ts:1 imports 'computed'",
  );
});

it.each([['src/new/a.ts'], ['fresh/deep/a.ts']])('a folder without a row is refused: %s', (file) => {
  expect(check({ [file]: RULE })).toContain(`${dirname(file)} has no row`);
});

it('a circle between files is refused, also of types alone and within one folder', () => {
  const said = check({
    'src/rules/a.ts': "import type { B } from './b.ts';\nexport type A = B | 1;\n",
    'src/rules/b.ts': "import type { C } from './c.ts';\nexport type B = C | 2;\n",
    'src/rules/c.ts': "import type { A } from './a.ts';\nexport type C = A | 3;\n",
  });
  expect(said).toContain('circle: ');
  for (const file of ['a', 'b', 'c']) expect(said).toContain(`src/rules/${file}.ts`);
});

it('a row that matches no file is refused', () => {
  const said = check({ 'scripts/walls/table.mjs': 'export const ROWS = [];\n', 'src/rules/one.ts': RULE });
  expect(said).toContain('the row src/bus of scripts/walls/table.mjs matches no file');
  expect(said).not.toContain('the row src/rules ');
});

it("CONTRIBUTING's table has every folder of the table of walls, and no other that holds sources", async () => {
  const { ROWS }: { ROWS: readonly { readonly of: string }[] } = await import(
    new URL('../scripts/walls/table.mjs', import.meta.url).href
  );
  const folders = ROWS.map(({ of }) => of).filter((of) => !of.includes('.') && !of.includes('*'));
  const described = readFileSync(new URL('../CONTRIBUTING.md', import.meta.url), 'utf8')
    .split('\n')
    .flatMap((line) => /^\| `([^`]+)` \|/.exec(line)?.[1] ?? []);
  const withoutSources = described.filter((folder) => !folders.includes(folder));
  for (const folder of withoutSources) expect(sourcesBelow(folder)).toEqual([]);
  expect(described.filter((folder) => folders.includes(folder)).sort()).toEqual(folders.sort());
});

function sourcesBelow(folder: string): string[] {
  const path = fileURLToPath(new URL(`../${folder}`, import.meta.url));
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((file) => /\.m?[jt]s$/.test(file));
}
