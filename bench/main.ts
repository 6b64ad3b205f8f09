/** `npm run bench`: the only place of the benchmark that knows arguments, signals and exit codes. */
import { onInterrupt } from '../src/demo/interrupt.ts';
import { EXIT, messageOf } from '../src/errors.ts';
import { EnvironmentNotes } from './environment.ts';
import { BenchUsageError, EXIT_USAGE, parseOptions, USAGE } from './options.ts';
import { planOf } from './plan.ts';
import { reportOf } from './report/report.ts';
import { tableOf } from './report/table.ts';
import { runSections } from './sections/run-sections.ts';
import { Checks } from './sides/side.ts';

// Whatever is still open then is not worth waiting for: the nets that listen to our exit end every child.
process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  const started = performance.now();
  const say = (line: string): void => {
    process.stderr.write(`${((performance.now() - started) / 1_000).toFixed(0).padStart(4)} s  ${line}\n`);
  };
  try {
    const options = parseOptions(args);
    if (options === 'help') {
      process.stdout.write(USAGE);
      return EXIT.ok;
    }
    // Everything that was started is ended by the nets that listen to our exit.
    onInterrupt(process, {
      startedByNpm: process.env.npm_lifecycle_event !== undefined,
      say,
      stop: async () => undefined,
    });
    const plan = planOf(options);
    const checks = new Checks();
    const notes = new EnvironmentNotes();
    const results = await runSections(options.only, { plan, checks, notes, say });
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    const environment = notes.environment();
    const report = reportOf({ results, environment, checks: checks.counted, plan, seconds });
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : tableOf(report));
    return EXIT.ok;
  } catch (error) {
    process.stderr.write(`bench: ${messageOf(error)}\n`);
    if (!(error instanceof BenchUsageError)) return EXIT.failure;
    process.stderr.write(`\n${USAGE}`);
    return EXIT_USAGE;
  }
}
