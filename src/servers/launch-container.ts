import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { PortTakenError, ServerStartError } from './errors.ts';
import type { Host } from './host.ts';
import type { ContainerLife } from './life.ts';
import type { Environment } from './running-server.ts';
import { spawnLogged } from './spawn-logged.ts';

export interface ContainerLaunch {
  readonly docker: string;
  readonly image: string;
  /** Arguments of the server; both images put the program in front of a list that begins with an option. */
  readonly args: readonly string[];
  readonly env: Environment;
  readonly dataDir: string;
  /** Pairs of a port on 127.0.0.1 and the one inside the container. */
  readonly ports: readonly (readonly [host: number, container: number])[];
  readonly logFile: string;
}

/** Where the data folder appears inside the container. */
export const containerDataDir = '/data';

/** Downloading the image is part of the first start. */
const runTimeoutMs = 5 * 60_000;
const commandTimeoutMs = 10_000;

/**
 * Starts a server as a container that removes itself when it ends. It ends with us if we exit in a way that Node
 * notices; a parent that is killed leaves it behind, since it is the daemon's child, with our process id in its label.
 */
export async function launchContainer(host: Host, launch: ContainerLaunch): Promise<ContainerLife> {
  const { docker, env, logFile } = launch;
  const name = `converge-${randomUUID()}`;
  const started = await host.run(docker, runArguments(name, launch), { env, timeoutMs: runTimeoutMs });
  if (started.code !== 0) {
    const reason = started.stderr.trim();
    const PossibleError = /already allocated|already in use/i.test(reason)
      ? PortTakenError
      : ServerStartError;
    throw new PossibleError(`docker run ${launch.image} failed: ${reason}`);
  }

  // Following the log does two things: it fills the log file, and it ends when the container does.
  const follower = await spawnLogged({
    command: docker,
    args: ['logs', '--follow', name],
    env,
    cwd: launch.dataDir,
    logFile,
  });
  let running = true;
  const ended = follower.ended.then(() => {
    running = false;
    return 'ended with its container';
  });
  return {
    type: 'container',
    get running() {
      return running;
    },
    ended,
    signal: (signal) => {
      if (!running) return;
      const args = ['kill', '--signal', signal, name];
      // It may fail because the container has just ended, and whether it did is seen by the follower.
      void host.run(docker, args, { env, timeoutMs: commandTimeoutMs });
    },
    killNow: () => {
      spawnSync(docker, ['kill', name], { env: { ...env }, stdio: 'ignore', timeout: commandTimeoutMs });
    },
    logTail: follower.logTail,
    execute: async (command) => {
      const result = await host.run(docker, ['exec', name, ...command], { env, timeoutMs: commandTimeoutMs });
      return result.stdout;
    },
  };
}

/** The command line of `docker run`, without the `docker`. */
export function runArguments(name: string, launch: ContainerLaunch): readonly string[] {
  // As root, the images would hand the data to users of their own, and its owner could not remove it any more.
  const user =
    process.getuid === undefined ? [] : ['--user', `${process.getuid()}:${process.getgid?.() ?? 0}`];
  return [
    'run',
    '--rm',
    '--detach',
    '--name',
    name,
    '--label',
    `converge.parent=${process.pid}`,
    ...user,
    ...launch.ports.flatMap(([host, container]) => ['--publish', `127.0.0.1:${host}:${container}`]),
    '--volume',
    `${launch.dataDir}:${containerDataDir}`,
    launch.image,
    ...launch.args,
  ];
}
