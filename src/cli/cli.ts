/** Puts the commands together and turns however a call ends into an exit code. */
import { Command, CommanderError } from 'commander';
import { permissionDenied } from '../bus/permission-denied.ts';
import { EXIT } from '../lib/program/exit.ts';
import { VERSION } from '../lib/version.ts';
import { Call, type Run, type Surroundings } from './call.ts';
import { addAuth } from './commands/auth.ts';
import { addClock } from './commands/clock.ts';
import { addDev } from './commands/dev.ts';
import { addDigest } from './commands/digest.ts';
import { addDoctor } from './commands/doctor.ts';
import { addMarks } from './commands/marks.ts';
import { addBan, addPause, addResume, addUnban } from './commands/operate.ts';
import { addPublish } from './commands/publish.ts';
import { addQuery } from './commands/query.ts';
import { addRebuild } from './commands/rebuild.ts';
import { addSchema } from './commands/schema.ts';
import { addShard } from './commands/shard.ts';
import { addTail } from './commands/tail.ts';
import { addWorker } from './commands/worker.ts';
import { describeFailure } from './failure.ts';
import { globalOptions } from './global-options.ts';
import { Output } from './output.ts';

export async function runCli(surroundings: Surroundings): Promise<number> {
  const { argv, stdout, stderr } = surroundings;
  // Known before the arguments are parsed, so that what is wrong with them is told in the right form.
  const out = new Output({ stdout, stderr, isJson: argv.includes('--json') });
  let exitCode: number = EXIT.ok;
  const run: Run = async (command, action) => {
    exitCode = await action(new Call(surroundings, out, command.optsWithGlobals()));
  };
  try {
    await programOf(out, run).parseAsync([...argv], { from: 'user' });
  } catch (error) {
    exitCode = tell(out, error);
  }
  await out.flushed();
  return exitCode;
}

function programOf(out: Output, run: Run): Command {
  const program = new Command('converge')
    .description('Coordinates software agents: pools, tasks and collective decisions over NATS and Redis.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => out.raw(text),
      writeErr: (text) => out.say(text.trimEnd()),
      // Told by `tell`, like every other failure.
      outputError: () => undefined,
    })
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', EXIT_CODES);
  for (const option of globalOptions()) program.addOption(option);
  for (const add of COMMANDS) add(program, run);
  return program;
}

/**
 * In the order in which a new user needs them. Modules that only some need and that take long to load (BullMQ, ioredis, pino) are
 * loaded by them when they run, so that the others need not wait for it.
 */
const COMMANDS: readonly ((program: Command, run: Run) => void)[] = [
  addDev,
  addWorker,
  addPublish,
  addQuery,
  addTail,
  addDoctor,
  addPause,
  addResume,
  addBan,
  addUnban,
  addClock,
  addRebuild,
  addMarks,
  addShard,
  addDigest,
  addSchema,
  addAuth,
];

const EXIT_CODES = `
Data goes to stdout, everything else to stderr. Settings come from CONVERGE_… variables; options win.
Exit codes: 0 ok, 1 failure, 2 usage, 3 rejected, 4 not found, 69 server unavailable, 77 no permission, 78 bad configuration.`;

function tell(out: Output, error: unknown): number {
  // Help and version were asked for, and are printed already. Without a command the help is the answer to a mistake.
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
  if (error instanceof CommanderError && error.code === 'commander.help') return EXIT.usage;
  const failure = describeFailure(permissionDenied(error) ?? error);
  out.failure(failure);
  return failure.exitCode;
}
