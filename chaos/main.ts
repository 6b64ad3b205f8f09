/** `npm run chaos`: the only place of it that knows arguments, environment, signals and exit codes. */
import { onInterrupt } from '../src/demo/interrupt.ts';
import { EXIT, messageOf } from '../src/errors.ts';
import { ChaosUsageError, EXIT_USAGE, parseOptions, USAGE } from './options.ts';
import { reportOf, tableOf } from './report.ts';
import { run } from './run.ts';
import type { ChaosSystem } from './system/system.ts';

// At once: a connection that was left behind by whatever failed must not keep us, and servers end with us.
process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  const started = performance.now();
  const seconds = (): number => Math.round((performance.now() - started) / 100) / 10;
  const say = (line: string): void => {
    process.stderr.write(`${seconds().toFixed(0).padStart(4)} s  ${line}\n`);
  };
  let system: ChaosSystem | undefined;
  let unlisten = (): void => undefined;
  try {
    const options = parseOptions(args);
    if (options === 'help') {
      process.stdout.write(USAGE);
      return EXIT.ok;
    }
    ({ unlisten } = onInterrupt(process, {
      startedByNpm: process.env.npm_lifecycle_event !== undefined,
      say,
      stop: async () => await system?.destroy(),
    }));
    const result = await run({
      ...options,
      env: process.env,
      say,
      onSystem: (started) => {
        system = started;
      },
    });
    const report = reportOf(result, options, seconds());
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : tableOf(report));
    if (report.history !== undefined) {
      say(`the history is kept in ${report.history}`);
      say(`to play it again: ${report.replay}`);
    }
    return report.violations.length === 0 && report.rebuildEqual ? EXIT.ok : EXIT.failure;
  } catch (error) {
    process.stderr.write(`chaos: ${messageOf(error)}\n`);
    if (!(error instanceof ChaosUsageError)) return EXIT.failure;
    process.stderr.write(`\n${USAGE}`);
    return EXIT_USAGE;
  } finally {
    unlisten();
  }
}
