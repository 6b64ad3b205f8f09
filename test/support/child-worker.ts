/** A worker as a process of its own, so that it can be killed and stopped as machines do it. */
import { execFile, spawn } from 'node:child_process';
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ConfigInput } from '../../src/workers/config.ts';
import type { Space, System } from './system.ts';
import { until } from './until.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = `
import { pino } from 'pino';
import { parseConfig } from './src/workers/config.js';
import { startWorker } from './src/workers/process/worker.js';
const config = parseConfig(JSON.parse(process.argv[2]));
const worker = await startWorker(config, { logger: pino({ level: config.logLevel }, pino.destination(2)) });
process.on('SIGTERM', () => void worker.stop());
console.log(JSON.stringify({ id: worker.id, healthUrl: worker.healthUrl }));
`;

const compiled = new WeakMap<System, Promise<string>>();

export interface ChildWorker {
  readonly pid: number;
  readonly id: string;
  readonly healthUrl: string | undefined;
  /** How it ended: `0`, `1`, or the name of a signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** What it logged so far. */
  log(): string;
  signal(signal: NodeJS.Signals): void;
}

export async function startChildWorker(
  space: Space,
  overrides: Partial<ConfigInput> = {},
): Promise<ChildWorker> {
  const folder = await compiledFor(space.system);
  const config = JSON.stringify(space.config({ logLevel: 'warn', ...overrides }));
  const child = spawn(process.execPath, [join(folder, 'main.js'), config], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [output, log] = ['', ''];
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (log += data));
  let hasEnded = false;
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.on('close', (code, signal) => {
      hasEnded = true;
      resolve(signal ?? code ?? -1);
    });
  });
  space.system.onEndOfTest(async () => {
    if (!hasEnded) child.kill('SIGKILL');
    await ended;
  });
  const line = await until('the worker process to be up', () => {
    if (hasEnded) throw new Error(`it ended: ${log}`);
    return output.includes('\n') && output;
  });
  const { id, healthUrl }: { id: string; healthUrl?: string } = JSON.parse(line);
  return {
    pid: child.pid ?? -1,
    id,
    healthUrl,
    ended,
    log: () => log,
    signal: (signal) => child.kill(signal),
  };
}

function compiledFor(system: System): Promise<string> {
  let folder = compiled.get(system);
  if (folder === undefined) {
    folder = compile(join(system.dataDir, 'compiled'));
    compiled.set(system, folder);
  }
  return folder;
}

async function compile(folder: string): Promise<string> {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const options = ['--outDir', folder, '--noCheck', '--sourceMap', 'false', '--declaration', 'false'];
  await promisify(execFile)(process.execPath, [tsc, '-p', 'tsconfig.build.json', ...options], { cwd: ROOT });
  for (const script of ['src/state/commit.lua', 'src/state/snapshots/restore.lua']) {
    await cp(join(ROOT, script), join(folder, script));
  }
  await writeFile(join(folder, 'package.json'), await readFile(join(ROOT, 'package.json')));
  await writeFile(join(folder, 'main.js'), MAIN);
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}
