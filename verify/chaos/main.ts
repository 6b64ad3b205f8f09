/** `npm run chaos`: the only place of it that knows arguments, environment, signals and exit codes. */
import { EXIT } from '../../src/lib/program/exit.ts';
import { onInterrupt } from '../../src/lib/program/interrupt.ts';
import { runProgram } from '../../src/lib/program/run-program.ts';
import { Stopwatch } from '../../src/lib/program/stopwatch.ts';
import { type ChaosOptions, parseOptions, USAGE } from './options.ts';
import { reportOf, tableOf } from './report.ts';
import { run } from './run.ts';
import type { ChaosSystem } from './system/system.ts';

const watch = new Stopwatch();
const say = (line: string): void => watch.say(line);

// At once: a connection that was left behind by whatever failed must not keep us, and servers end with us.
process.exit(
  await runProgram({ name: 'chaos', usage: USAGE, parse: parseOptions, run: play }, process.argv.slice(2)),
);

async function play(options: ChaosOptions): Promise<number> {
  let system: ChaosSystem | undefined;
  const { unlisten } = onInterrupt(process, {
    startedByNpm: process.env.npm_lifecycle_event !== undefined,
    say,
    stop: async () => await system?.destroy(),
  });
  try {
    const result = await run({
      ...options,
      env: process.env,
      say,
      onSystem: (started) => {
        system = started;
      },
    });
    const report = reportOf(result, options, watch.seconds());
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : tableOf(report));
    if (report.history !== undefined) {
      say(`the history is kept in ${report.history}`);
      say(`to play it again: ${report.replay}`);
    }
    return report.violations.length === 0 && report.rebuildEqual ? EXIT.ok : EXIT.failure;
  } finally {
    unlisten();
  }
}
