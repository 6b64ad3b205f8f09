/** The command line of the fuzzer. */
import { parseArgs } from 'node:util';
import { didYouMean } from '../src/did-you-mean.ts';
import { messageOf } from '../src/errors.ts';
import { TARGETS } from './targets/index.ts';

export interface FuzzOptions {
  readonly inputs: number;
  readonly seed: number;
  readonly json: boolean;
  /** Only this target, from this input of it on. */
  readonly target: string | undefined;
  readonly from: number;
}

/** EX_USAGE of sysexits(3). */
export const EXIT_USAGE = 64;

export class FuzzUsageError extends Error {
  override readonly name = 'FuzzUsageError';
}

const DEFAULT_INPUTS = 1_000_000;
const MAX_INPUTS = 1_000_000_000;
const MAX_SEED = 2 ** 31 - 1;

export const USAGE = `usage: npm run fuzz -- [options]

Tries inputs on everything that decodes what others wrote. The same seed tries the same inputs; a failure says how to try
its input alone.

  --inputs <n>     how many in all (${DEFAULT_INPUTS})
  --seed <n>       which ones (a new one each time)
  --target <name>  only one of ${TARGETS.map(({ name }) => name).join(', ')}
  --from <n>       its n-th input first (0)
  --json           one JSON object on stdout
  --help           this text
`;

/** `help` when that is what was asked for. Throws a {@link FuzzUsageError} that names the fault. */
export function parseOptions(args: readonly string[]): FuzzOptions | 'help' {
  const values = parsed(args);
  if (values.help === true) return 'help';
  if (values.from !== undefined && values.target === undefined)
    throw new FuzzUsageError('--from counts the inputs of one target: which --target?');
  return {
    inputs: wholeNumber('--inputs', values.inputs, MAX_INPUTS) ?? DEFAULT_INPUTS,
    seed: wholeNumber('--seed', values.seed, MAX_SEED) ?? Math.floor(Math.random() * MAX_SEED),
    json: values.json ?? false,
    target: values.target === undefined ? undefined : targetNamed(values.target),
    from: wholeNumber('--from', values.from, MAX_INPUTS) ?? 0,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        inputs: { type: 'string' },
        seed: { type: 'string' },
        target: { type: 'string' },
        from: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new FuzzUsageError(messageOf(error), { cause: error });
  }
}

function targetNamed(name: string): string {
  const names = TARGETS.map((target) => target.name);
  if (names.includes(name)) return name;
  throw new FuzzUsageError(`--target: there is no ${JSON.stringify(name)}${didYouMean(name, names)}`);
}

function wholeNumber(option: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number <= most) return number;
  throw new FuzzUsageError(`${option} wants a whole number up to ${most}, not ${JSON.stringify(text)}`);
}
