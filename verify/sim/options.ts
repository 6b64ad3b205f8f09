/** What `npm run sim -- …` was asked to do. */
import { CommandLine, UsageError } from '../../src/lib/program/command-line.ts';

export interface SimOptions {
  readonly kind: 'seeds' | 'planted';
  /** The first seed, and how many. */
  readonly start: number;
  readonly seeds: number;
  readonly isJson: boolean;
  /** Show every step. */
  readonly isVerbose: boolean;
}

export const USAGE = `npm run sim -- [--seeds N] [--start S]   play N seeds from S on (100 from 0)
npm run sim -- --seed X                  play one seed and show every step
npm run sim -- --planted [--seeds N]     how soon each planted bug is found, within N seeds (1,000)
           --json                        one JSON object on stdout
`;

const MOST_SEEDS = 100_000_000;

/** `help` when that is what was asked for. Throws an {@link UsageError} that names the fault. */
export function parseOptions(args: readonly string[]): SimOptions | 'help' {
  const line = new CommandLine(args, {
    flags: ['planted', 'json'],
    values: ['seeds', 'start', 'seed'],
  });
  if (line.asksForHelp) return 'help';
  const isPlanted = line.has('planted');
  const isJson = line.has('json');
  const many = line.wholeNumber('seeds', 0, MOST_SEEDS);
  const start = line.wholeNumber('start', 0, MOST_SEEDS);
  const seed = line.wholeNumber('seed', 0, MOST_SEEDS);
  if (seed !== undefined && (many !== undefined || start !== undefined || isPlanted)) {
    throw new UsageError('--seed plays one seed: it goes with --json only');
  }
  if (many === 0) throw new UsageError('--seeds 0 plays nothing');
  if (seed !== undefined) return { kind: 'seeds', start: seed, seeds: 1, isJson, isVerbose: !isJson };
  return {
    kind: isPlanted ? 'planted' : 'seeds',
    start: start ?? 0,
    seeds: many ?? (isPlanted ? 1_000 : 100),
    isJson,
    isVerbose: false,
  };
}
