import { type ChildProcess, spawn } from 'node:child_process';
import type { Environment } from './running-server.ts';
import { withServerLog } from './server-log.ts';

export interface LoggedCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Environment;
  readonly cwd: string;
  readonly logFile: string;
}

interface Ending {
  readonly code: number | undefined;
  /** E.g. `ended with exit code 1`. */
  readonly words: string;
}

export interface LoggedChild {
  readonly child: ChildProcess;
  /** Resolves when it has ended, or could not be started, and tells how. Never rejects. */
  readonly ended: Promise<Ending>;
  /** The last lines that it printed. */
  readonly logTail: () => Promise<string>;
}

/** Starts a child process that prints to its log file itself and not through us: no streams, no stream errors. */
export async function spawnLogged(options: LoggedCommand): Promise<LoggedChild> {
  const { result, logTail } = await withServerLog(options.logFile, (log) => {
    const child = spawn(options.command, options.args, {
      // A process group of its own: Ctrl-C in a terminal goes to the foreground group, and the servers shall end after
      // the parent has finished with them, not at the same moment.
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...options.env },
      cwd: options.cwd,
    });
    // Listened to at once: both events may come before the log file is closed.
    return { child, ended: endOf(child) };
  });
  return { ...result, logTail };
}

function endOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    // Failing to send a signal is an 'error' too, but not an end.
    child.on('error', (error) => {
      if (child.pid === undefined)
        resolve({ code: undefined, words: `could not be started: ${error.message}` });
    });
    child.on('exit', (code, signal) => {
      const words = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
      resolve({ code: code ?? undefined, words });
    });
  });
}
