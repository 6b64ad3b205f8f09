/** Runs the command in this process, for what ends before anything is started or asked. */
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runCli } from '../../src/cli/cli.ts';
import type { Ended } from './command.ts';

export async function runHere(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Pick<Ended, 'code' | 'stdout' | 'stderr'>> {
  const streams = { stdin: new PassThrough().end(), stdout: new PassThrough(), stderr: new PassThrough() };
  const [stdout, stderr, code] = await Promise.all([
    text(streams.stdout),
    text(streams.stderr),
    runCli({ argv, env, cwd: '/nonexistent', ...streams }).finally(() => {
      streams.stdout.end();
      streams.stderr.end();
    }),
  ]);
  return { code, stdout, stderr };
}
