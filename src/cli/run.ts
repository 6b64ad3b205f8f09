/** The `converge` command: the one place that reads the environment and the arguments of the process. */
import { after } from '../lib/timers.ts';
import { runCli } from './cli.ts';

/** Everything is closed by then; whatever keeps the process running all the same is not worth waiting for. */
const LINGER_MS = 5_000;

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
});
after(LINGER_MS, () => process.exit()).unref();
