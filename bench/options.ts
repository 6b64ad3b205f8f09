/** The command line of the benchmark. */
import { parseArgs } from 'node:util';
import { didYouMean } from '../src/did-you-mean.ts';
import { messageOf } from '../src/errors.ts';

export const SECTIONS = ['throughput', 'latency', 'growth', 'scale-out', 'flood'] as const;
export type SectionName = (typeof SECTIONS)[number];

export interface BenchOptions {
  readonly json: boolean;
  readonly quick: boolean;
  readonly only: readonly SectionName[];
  readonly rounds: number | undefined;
  readonly roundMs: number | undefined;
}

/** EX_USAGE of sysexits(3): the command line itself is wrong. */
export const EXIT_USAGE = 64;

export class BenchUsageError extends Error {
  override readonly name = 'BenchUsageError';
}

const MAX_ROUNDS = 100;
const MAX_ROUND_MS = 60_000;

export const USAGE = `usage: npm run bench -- [options]

Measures Converge next to what people would use instead, on servers that it starts itself; every figure is the median
of alternating rounds, and a side that did less than it claims ends the run.

  --json             one JSON object on stdout instead of tables; everything else goes to stderr
  --quick            two minutes at most instead of ten: shorter rounds, fewer stored tasks, the same keys
  --only <sections>  some of ${SECTIONS.join(', ')}, with commas between
  --rounds <n>       alternating rounds, 1 to ${MAX_ROUNDS}
  --round-ms <n>     how long a round is meant to take, 10 to ${MAX_ROUND_MS}
  --help             this text
`;

/** `help` when that is what was asked for. Throws a {@link BenchUsageError} that names the fault. */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const values = parsed(args);
  if (values.help === true) return 'help';
  return {
    json: values.json ?? false,
    quick: values.quick ?? false,
    only: values.only === undefined ? SECTIONS : sectionsOf(values.only),
    rounds: wholeNumber('--rounds', values.rounds, 1, MAX_ROUNDS),
    roundMs: wholeNumber('--round-ms', values['round-ms'], 10, MAX_ROUND_MS),
  };
}

interface Values {
  readonly json?: boolean | undefined;
  readonly quick?: boolean | undefined;
  readonly only?: string | undefined;
  readonly rounds?: string | undefined;
  readonly 'round-ms'?: string | undefined;
  readonly help?: boolean | undefined;
}

function parsed(args: readonly string[]): Values {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        json: { type: 'boolean' },
        quick: { type: 'boolean' },
        only: { type: 'string' },
        rounds: { type: 'string' },
        'round-ms': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new BenchUsageError(messageOf(error), { cause: error });
  }
}

/** In the order in which they run, whatever the order in which they were named. */
function sectionsOf(text: string): readonly SectionName[] {
  const wanted = new Set(text.split(',').map((name) => name.trim()));
  for (const name of wanted) {
    if (!SECTIONS.some((section) => section === name)) {
      throw new BenchUsageError(
        `--only: there is no section ${JSON.stringify(name)}${didYouMean(name, SECTIONS)}`,
      );
    }
  }
  return SECTIONS.filter((section) => wanted.has(section));
}

function wholeNumber(
  option: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new BenchUsageError(
    `${option} wants a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`,
  );
}
