/** `npm run demo`: the only place of the demo that knows arguments, environment, signals and exit codes. */
import { EXIT } from '../src/lib/program/exit.ts';
import { onInterrupt } from '../src/lib/program/interrupt.ts';
import { runProgram } from '../src/lib/program/run-program.ts';
import { runAuctionsDemo } from './auctions/run-auctions-demo.ts';
import { auctionsTable } from './auctions/summary.ts';
import { Cluster } from './cluster/cluster.ts';
import { type DemoOptions, parseOptions, USAGE } from './options.ts';
import { play } from './play.ts';
import { Reporter } from './reporter.ts';
import { smallWorkload } from './small-workload.ts';
import { table } from './summary.ts';
import { readTrace } from './trace/read-trace.ts';
import type { Workload } from './workload.ts';

process.exitCode = await runProgram(
  {
    name: 'demo',
    usage: USAGE,
    parse: parseOptions,
    run: async (options) =>
      options.auctionsFile === undefined
        ? await playTasks(options)
        : await playAuctions(options, options.auctionsFile),
    // As the command itself has it.
    exitUsage: EXIT.usage,
  },
  process.argv.slice(2),
);

async function workloadOf({ trace, seed }: DemoOptions): Promise<Workload> {
  return trace === undefined ? smallWorkload(seed) : await readTrace(trace.tasksFile, trace.nodesFile);
}

async function playTasks(options: DemoOptions): Promise<number> {
  const startedAt = performance.now();
  const { seed, json } = options;
  const workload = await workloadOf(options);
  const summary = await onCluster(options, async (start, reporter) => {
    reporter.say(`plays ${workload.title}; seed ${seed}`);
    return await play({ cluster: await start(), workload, seed, reporter, startedAt });
  });
  process.stdout.write(json ? `${JSON.stringify(summary)}\n` : table(summary));
  return summary.ok ? EXIT.ok : EXIT.failure;
}

/** Prices may differ from the record for reasons that are not in it; the winners may not. */
async function playAuctions(options: DemoOptions, file: string): Promise<number> {
  const summary = await onCluster(options, async (start, reporter) => {
    reporter.say(`replays the auctions in ${file}`);
    return await runAuctionsDemo({ file, start, say: (line) => reporter.say(line) });
  });
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : auctionsTable(summary));
  return summary.winnersCorrect === summary.auctions ? EXIT.ok : EXIT.failure;
}

/** Lets something play on servers and worker processes of its own, and leaves nothing of them behind. */
async function onCluster<T>(
  { workers, auth }: DemoOptions,
  playOn: (start: () => Promise<Cluster>, reporter: Reporter) => Promise<T>,
): Promise<T> {
  const reporter = new Reporter(process.stderr);
  const say = (line: string): void => reporter.say(line);
  let cluster: Cluster | undefined;
  const interruption = onInterrupt(process, {
    startedByNpm: process.env.npm_lifecycle_event !== undefined,
    say,
    stop: async () => {
      reporter.close();
      await cluster?.stop();
    },
  });
  try {
    const start = async (): Promise<Cluster> => {
      cluster = await Cluster.start({ workers, auth, env: process.env, say });
      const ready = cluster.workers.map(({ id, pid }) => `${id} (${pid})`).join(', ');
      say(`${workers} worker processes are ready: ${ready}`);
      return cluster;
    };
    return await playOn(start, reporter);
  } catch (error) {
    // Everything breaks when it is stopped in the middle: that is not worth a word.
    if (interruption.isStopping) return await new Promise<never>(() => undefined);
    for (const worker of cluster?.workers ?? [])
      if (!worker.isRunning) say(`${worker.id}:\n${worker.logTail()}`);
    throw error;
  } finally {
    await cluster?.stop();
    reporter.close();
    interruption.unlisten();
  }
}
