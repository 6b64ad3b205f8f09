/** The command line of the demo. */
import { parseArgs } from 'node:util';
import { messageOf } from '../errors.ts';
import { UsageError } from './input-error.ts';

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
  const values = parsed(args);
  if (values.help === true) return 'help';
  const { tasks, nodes } = values;
  if ((tasks === undefined) !== (nodes === undefined)) {
    throw new UsageError('--tasks and --nodes belong together: one of them is missing');
  }
  const auctionsFile = values.auctions;
  if (auctionsFile !== undefined && tasks !== undefined) {
    throw new UsageError('--auctions replays auctions, --tasks and --nodes tasks: choose one');
  }
  return {
    auctionsFile,
    trace: tasks === undefined || nodes === undefined ? undefined : { tasksFile: tasks, nodesFile: nodes },
    workers: wholeNumber('--workers', values.workers ?? '3', 1, MAX_WORKERS),
    auth: values.auth ?? false,
    json: values.json ?? false,
    seed: wholeNumber('--seed', values.seed ?? '1', 0, MAX_SEED),
  };
}

interface Values {
  readonly tasks?: string | undefined;
  readonly nodes?: string | undefined;
  readonly auctions?: string | undefined;
  readonly workers?: string | undefined;
  readonly seed?: string | undefined;
  readonly auth?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly help?: boolean | undefined;
}

function parsed(args: readonly string[]): Values {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        tasks: { type: 'string' },
        nodes: { type: 'string' },
        auctions: { type: 'string' },
        workers: { type: 'string' },
        seed: { type: 'string' },
        auth: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error });
  }
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(
    `${option} wants a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`,
  );
}
