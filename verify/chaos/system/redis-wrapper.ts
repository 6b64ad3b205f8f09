/** A redis-server whose disk can be full: writing beyond a limit fails instead of ending it. */
import { execFile } from 'node:child_process';
import { accessSync, constants, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const NAMES = ['redis-server', 'valkey-server'];

/** A script that starts Redis so that a file that is too large is an error and not a signal; undefined without Redis. */
export function wrapRedis(folder: string, env: NodeJS.ProcessEnv): string | undefined {
  const command = env.CONVERGE_REDIS_SERVER ?? onPath(env);
  if (command === undefined) return undefined;
  const script = join(folder, 'redis-server');
  writeFileSync(script, `#!/bin/sh\ntrap '' XFSZ\nexec '${command.replaceAll("'", "'\\''")}' "$@"\n`, {
    mode: 0o755,
  });
  return script;
}

/** No file of the process can grow beyond so many bytes; `unlimited` lifts it. Rejects where that cannot be done. */
export async function limitFileSize(pid: number, bytes: number | 'unlimited'): Promise<void> {
  await promisify(execFile)('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
}

function onPath(env: NodeJS.ProcessEnv): string | undefined {
  const folders = (env.PATH ?? '').split(delimiter);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
