/**
 * `npm run sim`: the whole core on servers in memory that fail on purpose. Plays seeds and says what they found; fails
 * when they found anything. One seed is one run, and plays the same every time.
 */
import { runProgram } from '../../src/lib/program/run-program.ts';
import { Stopwatch } from '../../src/lib/program/stopwatch.ts';
import { type Campaign, playSeeds } from './campaign.ts';
import { parseOptions, type SimOptions, USAGE } from './options.ts';
import { ALL_BUGS, type Hunt, hunt } from './planted.ts';

const PROGRESS_EVERY = 500;

process.exitCode = await runProgram(
  {
    name: 'sim',
    usage: USAGE,
    parse: parseOptions,
    run: async (options) =>
      options.kind === 'planted' ? await playPlanted(options) : await playAll(options),
    // Whatever the runs do wrong is found and counted: what fails here is the simulator itself.
    describe: (error) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
  },
  process.argv.slice(2),
);

async function playAll({ start, seeds, isJson, isVerbose }: SimOptions): Promise<number> {
  const watch = new Stopwatch();
  let played = 0;
  const campaign = await playSeeds(start, seeds, isVerbose ? { show: print } : {}, ({ violations }) => {
    played++;
    if (isJson || isVerbose) return;
    for (const { seed, invariant, what, replay } of violations) {
      print(`seed ${seed}: ${invariant}: ${what}\n  again: ${replay}`);
    }
    if (played % PROGRESS_EVERY === 0) print(`${played} of ${seeds} seeds`);
  });
  const seconds = watch.seconds();
  print(isJson ? JSON.stringify({ ...campaign, seconds }) : inWords(campaign, seconds));
  return campaign.failedSeeds === 0 ? 0 : 1;
}

function inWords(campaign: Campaign, seconds: number): string {
  const { seeds, steps, decisions, events, simulatedSeconds, faults, failedSeeds } = campaign;
  const count = Object.values(faults).reduce((sum, times) => sum + times, 0);
  const verdict = failedSeeds === 0 ? 'no violations' : `${failedSeeds} SEEDS FAILED`;
  return (
    `${verdict}: ${seeds} seeds, ${steps} steps, ${decisions} decisions, ${events} events, ` +
    `${count} faults of ${Object.keys(faults).length} kinds, ${simulatedSeconds} s of simulated time in ${seconds} s`
  );
}

async function playPlanted({ start, seeds, isJson }: SimOptions): Promise<number> {
  const hunts: Hunt[] = [];
  for (const bug of ALL_BUGS) {
    const found = await hunt(bug, start, seeds);
    hunts.push(found);
    const { violation } = found;
    const how =
      violation === undefined ? `NOT FOUND in ${seeds}` : `${found.seeds}, by ${violation.invariant}`;
    if (!isJson) print(`${bug}: ${how}`);
  }
  if (isJson) print(JSON.stringify({ planted: hunts }));
  return hunts.every(({ violation }) => violation !== undefined) ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
