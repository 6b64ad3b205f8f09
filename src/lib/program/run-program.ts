/** From the arguments of a program to its exit code. */

import { messageOf } from '../errors.ts';
import { EXIT_USAGE, UsageError } from './command-line.ts';
import { EXIT, exitCodeOf } from './exit.ts';

export interface Program<Options> {
  /** What its complaints begin with. */
  readonly name: string;
  /** The usage text, for --help and after a wrong call. */
  readonly usage: string;
  /** Throws an {@link UsageError} for what it does not understand. */
  readonly parse: (args: readonly string[]) => Options | 'help';
  /** Resolves with the exit code. */
  readonly run: (options: Options) => Promise<number>;
  readonly exitUsage?: number;
  /** What is notified of a failure; left out, its message. */
  readonly describe?: (error: unknown) => string;
}

export async function runProgram<Options>(
  { name, usage, parse, run, exitUsage = EXIT_USAGE, describe = messageOf }: Program<Options>,
  args: readonly string[],
): Promise<number> {
  try {
    const options = parse(args);
    if (options === 'help') {
      process.stdout.write(usage);
      return EXIT.ok;
    }
    return await run(options);
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${name}: ${error.message}\n\n${usage}`);
      return exitUsage;
    }
    process.stderr.write(`${name}: ${describe(error)}\n`);
    return exitCodeOf(error);
  }
}
