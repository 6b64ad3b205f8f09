/** What is compiled: by `npm run build` when that is newer than every source, else for this test file. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = join(root, 'src');
/** As in tsconfig.build.json. */
const BUILT = ['src', 'demo', 'verify', 'examples'];

export interface Build {
  /** `main.js` of the command. */
  readonly main: string;
  remove(): Promise<void>;
}

export async function build(parent = tmpdir()): Promise<Build> {
  const built = join(root, 'dist/src/cli/main.js');
  if (isFresh(built)) return { main: built, remove: async () => undefined };
  const dir = await mkdtemp(join(parent, 'converge-cli-build-'));
  const main = join(dir, 'src/cli/main.js');
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const args = [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', dir];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  // Whether all of it is well typed is for `npm run check` to say.
  if (!existsSync(main)) throw new Error(`the command was not compiled:\n${stdout}${stderr}`);
  for (const script of filesIn(sources).filter((path) => path.endsWith('.lua'))) {
    cpSync(join(sources, script), join(dir, 'src', script));
  }
  cpSync(join(root, 'package.json'), join(dir, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  return { main, remove: () => rm(dir, { recursive: true, force: true }) };
}

function isFresh(built: string): boolean {
  if (!existsSync(built)) return false;
  const builtAt = statSync(built).mtimeMs;
  return BUILT.map((name) => join(root, name)).every((folder) =>
    filesIn(folder).every((path) => statSync(join(folder, path)).mtimeMs < builtAt),
  );
}

function filesIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' });
}
