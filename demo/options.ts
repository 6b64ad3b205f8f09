/** The command line of the demo. */
import { CommandLine, UsageError } from '../src/lib/program/command-line.ts';

export interface DemoOptions {
  /** The production trace to play; left out, the small built-in workload is played. */
  readonly trace: { readonly tasksFile: string; readonly nodesFile: string } | undefined;
  /** Recorded auctions to replay instead of tasks. */
  readonly auctionsFile: string | undefined;
  readonly workers: number;
  readonly auth: boolean;
  readonly json: boolean;
  readonly seed: number;
}

const MAX_WORKERS = 16;
const MAX_SEED = 0xffff_ffff;

export const USAGE = `usage: npm run demo -- [options]

Plays a workload on the real system: servers, worker processes and agents, some of which vanish while it runs;
a checker that reads only events and outcomes says whether everything held.

  --tasks <file>   tasks of a recorded cluster (CSV), together with
  --nodes <file>   its nodes (CSV); left out: a small built-in workload
  --auctions <file>  recorded proxy bids (CSV): replays the auctions instead, and compares winners and prices
  --workers <n>    worker processes, 1 to ${MAX_WORKERS} (3); with more than one, one of them is killed
  --auth           on servers that know who is who: every agent with a key of its own
  --seed <n>       of everything that is chosen at random (1)
  --json           one JSON object on stdout instead of a table
  --help           this text
`;

/** `help` when that is what was asked for. Throws an {@link UsageError} that names the fault. */
export function parseOptions(args: readonly string[]): DemoOptions | 'help' {
  const line = new CommandLine(args, {
    flags: ['auth', 'json'],
    values: ['tasks', 'nodes', 'auctions', 'workers', 'seed'],
  });
  if (line.asksForHelp) return 'help';
  const tasksFile = line.text('tasks', 'a file');
  const nodesFile = line.text('nodes', 'a file');
  if ((tasksFile === undefined) !== (nodesFile === undefined)) {
    throw new UsageError('--tasks and --nodes belong together: one of them is missing');
  }
  const auctionsFile = line.text('auctions', 'a file');
  if (auctionsFile !== undefined && tasksFile !== undefined) {
    throw new UsageError('--auctions replays auctions, --tasks and --nodes tasks: choose one');
  }
  return {
    auctionsFile,
    trace: tasksFile === undefined || nodesFile === undefined ? undefined : { tasksFile, nodesFile },
    workers: line.wholeNumber('workers', 1, MAX_WORKERS) ?? 3,
    auth: line.has('auth'),
    json: line.has('json'),
    seed: line.wholeNumber('seed', 0, MAX_SEED) ?? 1,
  };
}
