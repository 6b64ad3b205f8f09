import { join } from 'node:path';
import type { Host } from './host.ts';
import { containerDataDir, launchContainer } from './launch-container.ts';
import { launchGuard } from './launch-guard.ts';
import { launchProcess } from './launch-process.ts';
import type { Life } from './life.ts';
import type { Environment } from './running-server.ts';
import type { ServerKind } from './server-kind.ts';

/** Where a server finds itself. Inside a container, address, port and folder are not what they are outside. */
export interface Place {
  readonly address: string;
  readonly port: number;
  /** The data folder as the server sees it. */
  readonly dataDir: string;
  /** The same folder as we see it. */
  readonly hostDataDir: string;
  readonly inContainer: boolean;
}

/** A way to run a server: as a child process or as a container. */
export interface Runner {
  readonly command: string | undefined;
  /** The options with which the server is reachable at this port of 127.0.0.1. */
  place(port: number): Place;
  launch(args: readonly string[], port: number): Promise<Life>;
}

export interface RunnerOptions {
  readonly host: Host;
  readonly kind: ServerKind;
  readonly env: Environment;
  readonly dataDir: string;
}

export function processRunner(command: string, options: RunnerOptions): Runner {
  const { host, kind, env, dataDir } = options;
  return {
    command,
    place: (port) => ({ address: '127.0.0.1', port, dataDir, hostDataDir: dataDir, inContainer: false }),
    launch: async (args) => {
      const guard = await launchGuard(host, join(dataDir, `${kind.name}.lock`));
      const [first = command, ...rest] = [...guard, command, ...args];
      const logFile = join(dataDir, `${kind.name}-server.log`);
      return launchProcess({ command: first, args: rest, env, cwd: dataDir, logFile });
    },
  };
}

export function containerRunner(
  docker: string,
  options: RunnerOptions & { readonly otherPorts: readonly number[] },
): Runner {
  const { host, kind, env, dataDir, otherPorts } = options;
  return {
    command: undefined,
    // Docker publishes what listens on the container's own interfaces, not what listens on its loopback.
    place: () => ({
      address: '0.0.0.0',
      port: kind.imagePort,
      dataDir: containerDataDir,
      hostDataDir: dataDir,
      inContainer: true,
    }),
    launch: (args, port) =>
      launchContainer(host, {
        docker,
        image: kind.image,
        args,
        env,
        dataDir,
        ports: [[port, kind.imagePort], ...otherPorts.map((other) => [other, other] as const)],
        logFile: join(dataDir, `${kind.name}-server.log`),
      }),
  };
}
