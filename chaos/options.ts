/** The command line of the chaos run. */
import { parseArgs } from 'node:util';
import { didYouMean } from '../src/did-you-mean.ts';
import { messageOf } from '../src/errors.ts';
import { FAULTS } from './faults/index.ts';

export interface ChaosOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Kinds of faults to choose from. */
  readonly faults: readonly string[];
  readonly workers: number;
  /** Decisions a second, at most. */
  readonly rate: number;
  readonly json: boolean;
}

/** EX_USAGE of sysexits(3): the command line itself is wrong. */
export const EXIT_USAGE = 64;

export class ChaosUsageError extends Error {
  override readonly name = 'ChaosUsageError';
}

const KINDS = FAULTS.map(({ kind }) => kind);
const MAX_MINUTES = 24 * 60;
const MAX_WORKERS = 16;
const MAX_RATE = 5_000;
const MAX_SEED = 0xffff_ffff;

export const USAGE = `usage: npm run chaos -- [options]

Runs the system on servers of its own, under load, and breaks it in every way it knows, one after the other; a checker
that knows only the protocol judges the recorded history afterwards. Exit code 1 when anything was violated.

  --minutes <m>     how long to go on breaking things, 0.2 to ${MAX_MINUTES} (2)
  --seed <n>        of everything that is chosen at random (1)
  --faults <kinds>  some of the kinds below, with commas between (all)
  --workers <n>     worker processes, 2 to ${MAX_WORKERS} (3)
  --rate <n>        decisions a second at most, 10 to ${MAX_RATE} (250)
  --json            one JSON object on stdout instead of a table; everything else goes to stderr
  --help            this text

kinds: ${KINDS.join(', ')}
`;

/** `help` when that is what was asked for. Throws a {@link ChaosUsageError} that names the fault. */
export function parseOptions(args: readonly string[]): ChaosOptions | 'help' {
  const values = parsed(args);
  if (values.help === true) return 'help';
  return {
    minutes: number('--minutes', values.minutes ?? '2', 0.2, MAX_MINUTES),
    seed: wholeNumber('--seed', values.seed ?? '1', 0, MAX_SEED),
    faults: values.faults === undefined ? KINDS : kindsOf(values.faults),
    workers: wholeNumber('--workers', values.workers ?? '3', 2, MAX_WORKERS),
    rate: wholeNumber('--rate', values.rate ?? '250', 10, MAX_RATE),
    json: values.json ?? false,
  };
}

type Values = Partial<
  Readonly<
    Record<'minutes' | 'seed' | 'faults' | 'workers' | 'rate', string> & Record<'json' | 'help', boolean>
  >
>;

function parsed(args: readonly string[]): Values {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        minutes: { type: 'string' },
        seed: { type: 'string' },
        faults: { type: 'string' },
        workers: { type: 'string' },
        rate: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values as Values;
  } catch (error) {
    throw new ChaosUsageError(messageOf(error), { cause: error });
  }
}

function kindsOf(text: string): readonly string[] {
  const wanted = new Set(text.split(',').map((name) => name.trim()));
  for (const name of wanted) {
    if (!KINDS.includes(name))
      throw new ChaosUsageError(
        `--faults: there is no kind ${JSON.stringify(name)}${didYouMean(name, KINDS)}`,
      );
  }
  return KINDS.filter((kind) => wanted.has(kind));
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = number(option, text, least, most);
  if (Number.isInteger(value)) return value;
  throw new ChaosUsageError(`${option} wants a whole number, not ${JSON.stringify(text)}`);
}

function number(option: string, text: string, least: number, most: number): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new ChaosUsageError(`${option} wants a number from ${least} to ${most}, not ${JSON.stringify(text)}`);
}
