/** The command line of the chaos run. */
import { CommandLine } from '../../src/lib/program/command-line.ts';
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

/** `help` when that is what was asked for. Throws a `UsageError` that names the fault. */
export function parseOptions(args: readonly string[]): ChaosOptions | 'help' {
  const line = new CommandLine(args, {
    flags: ['json'],
    values: ['minutes', 'seed', 'faults', 'workers', 'rate'],
  });
  if (line.asksForHelp) return 'help';
  return {
    minutes: line.number('minutes', 0.2, MAX_MINUTES) ?? 2,
    seed: line.wholeNumber('seed', 0, MAX_SEED) ?? 1,
    faults: line.someOf('faults', 'kind', KINDS) ?? KINDS,
    workers: line.wholeNumber('workers', 2, MAX_WORKERS) ?? 3,
    rate: line.wholeNumber('rate', 10, MAX_RATE) ?? 250,
    json: line.has('json'),
  };
}
