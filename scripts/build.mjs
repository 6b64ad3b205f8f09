// Compiles to dist/ and puts the Lua scripts next to the modules that load them: tsc copies no other files.
import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));

const compiled = spawnSync(process.execPath, [tsc, '-p', `${root}tsconfig.build.json`], { stdio: 'inherit' });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
cpSync(`${root}src`, `${root}dist/src`, {
  recursive: true,
  filter: (path) => !/\.[a-z]+$/.test(path) || path.endsWith('.lua'),
});
