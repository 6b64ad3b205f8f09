/** The `converge` command, asked as an operator would. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const COMMAND = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const WITHIN_MS = 120_000;

/** What it prints as JSON; rejects with what it said when it fails. Ends with us, however we end. */
export async function converge(args: readonly string[], env: NodeJS.ProcessEnv): Promise<unknown> {
  const asked = promisify(execFile)(process.execPath, [COMMAND, ...args, '--json'], {
    env,
    timeout: WITHIN_MS,
    killSignal: 'SIGKILL',
  });
  const end = (): void => void asked.child.kill('SIGKILL');
  process.on('exit', end);
  try {
    return JSON.parse((await asked).stdout);
  } finally {
    process.off('exit', end);
  }
}
