/**
 * `npm run sim`: the whole core on servers in memory that fail on purpose. Plays seeds and says what they found; fails
 * when they found anything. One seed is one run, and plays the same every time.
 */
import { type Campaign, playSeeds } from './campaign.ts';
import { EXIT_USAGE, parseOptions, type SimOptions, SimUsageError, USAGE } from './options.ts';
import { BUGS, type Hunt, hunt } from './planted.ts';

const PROGRESS_EVERY = 500;

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === 'help') {
    print(USAGE);
    return 0;
  }
  return options.kind === 'planted' ? await playPlanted(options) : await playAll(options);
}

async function playAll({ start, seeds, isJson, isVerbose }: SimOptions): Promise<number> {
  const started = performance.now();
  let played = 0;
  const campaign = await playSeeds(start, seeds, isVerbose ? { show: print } : {}, ({ violations }) => {
    played++;
    if (isJson || isVerbose) return;
    for (const { seed, invariant, what, replay } of violations) {
      print(`seed ${seed}: ${invariant}: ${what}\n  again: ${replay}`);
    }
    if (played % PROGRESS_EVERY === 0) print(`${played} of ${seeds} seeds`);
  });
  const seconds = Math.round((performance.now() - started) / 100) / 10;
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
  for (const bug of Object.keys(BUGS)) {
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

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SimUsageError)) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}\n`);
  process.exitCode = EXIT_USAGE;
}
