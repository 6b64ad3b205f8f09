import { findExecutable } from './find-executable.ts';
import type { Host } from './host.ts';

/** Ends the launch if the server's data folder is already in use. */
export const folderInUseExitCode = 75;

interface GuardTools {
  readonly setpriv: string | undefined;
  readonly flock: string | undefined;
}

const toolsOf = new WeakMap<Host, Promise<GuardTools>>();

/**
 * The prefix of a server's command. Each program does its part and then becomes the next one by exec, so the
 * server has the process id that was spawned. Both are from util-linux; where they are missing, as on macOS, it goes
 * without.
 *
 * - `setpriv --pdeathsig KILL` makes the kernel kill the server when its parent dies of whatever, SIGKILL included; Node
 *   has no prctl. The shell asks whether the parent had died already before that was set. ("Parent" is the thread that
 *   spawned: a server started on a worker thread ends with that thread.)
 * - `flock --no-fork` leaves an open, locked file behind in the server, so that a second server on the same folder, which
 *   would destroy its data, does not come up. The kernel releases the lock when the server is gone. The wait is for
 *   Redis's forked child, which outlives a killed Redis by a moment.
 */
export async function launchGuard(host: Host, lockFile: string): Promise<readonly string[]> {
  const tools = toolsOf.get(host) ?? findTools(host);
  toolsOf.set(host, tools);
  const { setpriv, flock } = await tools;
  const tied =
    setpriv === undefined
      ? []
      : [
          setpriv,
          '--pdeathsig',
          'KILL',
          '/bin/sh',
          '-c',
          '[ "$PPID" = "$0" ] && exec "$@"',
          `${process.pid}`,
        ];
  const locked =
    flock === undefined
      ? []
      : [flock, '--no-fork', '--timeout', '1', '--conflict-exit-code', `${folderInUseExitCode}`, lockFile];
  return [...tied, ...locked];
}

/** Trying is the only way to know: BusyBox has programs of the same names without these options. */
async function findTools(host: Host): Promise<GuardTools> {
  if (host.platform !== 'linux') return { setpriv: undefined, flock: undefined };
  const env = { PATH: '/usr/bin:/bin' };
  const usable = async (name: string, ...args: string[]) => {
    const path = await findExecutable(name, env, host.extraFolders);
    if (path === undefined) return undefined;
    const { code } = await host.run(path, args, { env, timeoutMs: 5_000 });
    return code === 0 ? path : undefined;
  };
  const [setpriv, flock] = await Promise.all([
    usable('setpriv', '--pdeathsig', 'KILL', '/bin/sh', '-c', 'true'),
    usable('flock', '--no-fork', '--shared', '--timeout', '1', '/dev/null', '/bin/sh', '-c', 'true'),
  ]);
  return { setpriv, flock };
}
