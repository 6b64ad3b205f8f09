// Refuses imports that scripts/walls/table.mjs does not allow. The folder to look at may be said; it is this repository's.
import { fileURLToPath } from 'node:url';
import { judge } from './judge.mjs';
import { readImports } from './read-imports.mjs';
import { ROWS } from './table.mjs';

const root = process.argv[2] ?? fileURLToPath(new URL('../..', import.meta.url));
const faults = judge(readImports(root), ROWS);
for (const fault of faults) console.error(fault);
if (faults.length > 0)
  console.error(`${faults.length} faults: who may import whom is said in scripts/walls/table.mjs`);
process.exitCode = faults.length === 0 ? 0 : 1;
