import { ServerStartError } from './errors.ts';
import { folderInUseExitCode } from './launch-guard.ts';
import { ENDED_BY_USED_FOLDER, type ProcessLife } from './life.ts';
import { type LoggedCommand, spawnLogged } from './spawn-logged.ts';

/** Starts a server as a child process in a process group of its own. */
export async function launchProcess(command: LoggedCommand): Promise<ProcessLife> {
  const { child, ended, logTail } = await spawnLogged(command);
  const { pid } = child;
  if (pid === undefined) throw new ServerStartError(`${command.command} ${(await ended).words}`);

  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const killGroup = () => {
    try {
      // The whole group: Redis forks to rewrite its log, and that child would go on for a while.
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It ended by itself in the meantime.
    }
  };
  return {
    type: 'process',
    pid,
    get running() {
      return isRunning();
    },
    ended: ended.then(({ code, words }) => (code === folderInUseExitCode ? ENDED_BY_USED_FOLDER : words)),
    signal: (signal) => {
      if (!isRunning()) return;
      if (signal === 'SIGKILL') killGroup();
      else child.kill(signal);
    },
    killNow: () => {
      if (isRunning()) killGroup();
    },
    logTail,
  };
}
