/** `npm run bench`: the only place of the benchmark that knows arguments, signals and exit codes. */
import { EXIT } from '../../src/lib/program/exit.ts';
import { onInterrupt } from '../../src/lib/program/interrupt.ts';
import { runProgram } from '../../src/lib/program/run-program.ts';
import { Stopwatch } from '../../src/lib/program/stopwatch.ts';
import { EnvironmentNotes } from './environment.ts';
import { type BenchOptions, parseOptions, USAGE } from './options.ts';
import { planOf } from './plan.ts';
import { reportOf } from './report/report.ts';
import { tableOf } from './report/table.ts';
import { runSections } from './sections/run-sections.ts';
import { Checks } from './sides/side.ts';

const watch = new Stopwatch();
const say = (line: string): void => watch.say(line);

// Whatever is still open then is not worth waiting for: the nets that listen to our exit end every child.
process.exit(
  await runProgram({ name: 'bench', usage: USAGE, parse: parseOptions, run: measure }, process.argv.slice(2)),
);

async function measure(options: BenchOptions): Promise<number> {
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
  const environment = notes.environment();
  const report = reportOf({ results, environment, checks: checks.counted, plan, seconds: watch.seconds() });
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : tableOf(report));
  return EXIT.ok;
}
