/** What `npm run sim -- …` was asked to do. */
import { didYouMean } from '../src/did-you-mean.ts';

export interface SimOptions {
  readonly kind: 'seeds' | 'planted';
  /** The first seed, and how many. */
  readonly start: number;
  readonly seeds: number;
  readonly isJson: boolean;
  /** Show every step. */
  readonly isVerbose: boolean;
}

/** The command line cannot be understood; the message names the fault. */
export class SimUsageError extends Error {}

/** After sysexits(3): the command was used wrongly. */
export const EXIT_USAGE = 64;

export const USAGE = `npm run sim -- [--seeds N] [--start S]   play N seeds from S on (100 from 0)
npm run sim -- --seed X                  play one seed and show every step
npm run sim -- --planted [--seeds N]     how soon each planted bug is found, within N seeds (1,000)
           --json                        one JSON object on stdout`;

const NAMES = ['--seeds', '--start', '--seed', '--planted', '--json', '--help'] as const;
const MOST_SEEDS = 100_000_000;

export function parseOptions(args: readonly string[]): SimOptions | 'help' {
  const numbers = new Map<string, number>();
  const flags = new Set<string>();
  const left = [...args];
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    switch (name) {
      case '--help':
        return 'help';
      case '--json':
      case '--planted':
        flags.add(name);
        break;
      case '--seeds':
      case '--start':
      case '--seed':
        numbers.set(name, wholeNumber(name, left.shift()));
        break;
      default:
        throw new SimUsageError(`unknown option ${name}${didYouMean(name, NAMES)}`);
    }
  }
  return combined(numbers, flags);
}

function combined(numbers: ReadonlyMap<string, number>, flags: ReadonlySet<string>): SimOptions {
  const seed = numbers.get('--seed');
  const isPlanted = flags.has('--planted');
  if (seed !== undefined && (numbers.size > 1 || isPlanted)) {
    throw new SimUsageError('--seed plays one seed: it goes with --json only');
  }
  const seeds = numbers.get('--seeds') ?? (isPlanted ? 1_000 : 100);
  if (seeds === 0) throw new SimUsageError('--seeds 0 plays nothing');
  return {
    kind: isPlanted ? 'planted' : 'seeds',
    start: seed ?? numbers.get('--start') ?? 0,
    seeds: seed === undefined ? seeds : 1,
    isJson: flags.has('--json'),
    isVerbose: seed !== undefined && !flags.has('--json'),
  };
}

function wholeNumber(name: string, text: string | undefined): number {
  if (text === undefined || !/^\d{1,9}$/.test(text) || Number(text) > MOST_SEEDS) {
    throw new SimUsageError(`${name} needs a whole number from 0 to ${MOST_SEEDS}, not ${text ?? 'nothing'}`);
  }
  return Number(text);
}
