/** The command line of the fuzzer. */
import { CommandLine, UsageError } from '../../src/lib/program/command-line.ts';
import { TARGETS } from './targets/index.ts';

export interface FuzzOptions {
  readonly inputs: number;
  readonly seed: number;
  readonly json: boolean;
  /** Only this target, from this input of it on. */
  readonly target: string | undefined;
  readonly from: number;
}

const NAMES = TARGETS.map(({ name }) => name);
const DEFAULT_INPUTS = 1_000_000;
const MAX_INPUTS = 1_000_000_000;
const MAX_SEED = 2 ** 31 - 1;

export const USAGE = `usage: npm run fuzz -- [options]

Tries inputs on everything that decodes what others wrote. The same seed tries the same inputs; a failure says how to try
its input alone.

  --inputs <n>     how many in all (${DEFAULT_INPUTS})
  --seed <n>       which ones (a new one each time)
  --target <name>  only one of ${NAMES.join(', ')}
  --from <n>       its n-th input first (0)
  --json           one JSON object on stdout
  --help           this text
`;

/** `help` when that is what was asked for. Throws an {@link UsageError} that names the fault. */
export function parseOptions(args: readonly string[]): FuzzOptions | 'help' {
  const line = new CommandLine(args, { flags: ['json'], values: ['inputs', 'seed', 'target', 'from'] });
  if (line.asksForHelp) return 'help';
  const target = line.oneOf('target', 'target', NAMES);
  const from = line.wholeNumber('from', 0, MAX_INPUTS);
  if (from !== undefined && target === undefined)
    throw new UsageError('--from counts the inputs of one target: which --target?');
  return {
    inputs: line.wholeNumber('inputs', 0, MAX_INPUTS) ?? DEFAULT_INPUTS,
    seed: line.wholeNumber('seed', 0, MAX_SEED) ?? Math.floor(Math.random() * MAX_SEED),
    json: line.has('json'),
    target,
    from: from ?? 0,
  };
}
