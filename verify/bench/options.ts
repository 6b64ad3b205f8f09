/** The command line of the benchmark. */
import { CommandLine } from '../../src/lib/program/command-line.ts';

export const SECTIONS = ['throughput', 'latency', 'growth', 'scale-out', 'flood'] as const;
export type SectionName = (typeof SECTIONS)[number];

export interface BenchOptions {
  readonly json: boolean;
  readonly quick: boolean;
  readonly only: readonly SectionName[];
  readonly rounds: number | undefined;
  readonly roundMs: number | undefined;
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

/** `help` when that is what was asked for. Throws a `UsageError` that names the fault. */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const line = new CommandLine(args, { flags: ['json', 'quick'], values: ['only', 'rounds', 'round-ms'] });
  if (line.asksForHelp) return 'help';
  return {
    json: line.has('json'),
    quick: line.has('quick'),
    only: line.someOf('only', 'section', SECTIONS) ?? SECTIONS,
    rounds: line.wholeNumber('rounds', 1, MAX_ROUNDS),
    roundMs: line.wholeNumber('round-ms', 10, MAX_ROUND_MS),
  };
}
