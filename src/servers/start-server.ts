import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { givenServer, withoutCredentials } from './given-server.ts';
import type { Host } from './host.ts';
import { type Found, locate } from './locate.ts';
import { ManagedServer } from './managed-server.ts';
import type { Recipe } from './recipe.ts';
import { containerRunner, processRunner } from './runner.ts';
import type { Environment, RunningServer } from './running-server.ts';

/** Options of every server. */
export interface CommonOptions {
  /** Where the server keeps its data, log and configuration; made if it does not exist, never removed. */
  readonly dataDir: string;
  /** On 127.0.0.1; a free one by default. */
  readonly port?: number | undefined;
  /** Where CONVERGE_* and PATH are looked up and what the server inherits; `process.env` by default. */
  readonly env?: Environment | undefined;
  /** Gets a line about which server is used, and what an installation prints (which else goes to stderr). */
  readonly log?: ((line: string) => void) | undefined;
  /**
   * May packages of the distribution be installed where no server is found? Yes by default: anyone who runs the demo or the
   * tests of this repository has asked for just that (README).
   */
  readonly mayInstall?: boolean | undefined;
  /** How long a start may take, loading old data included; 15,000 ms by default. */
  readonly startDeadlineMs?: number | undefined;
}

const defaultStartDeadlineMs = 15_000;

/** The way from a recipe to a server that answers: find it, start it, say what was used. */
export async function startServer(
  recipe: Recipe,
  options: CommonOptions,
  host: Host,
): Promise<RunningServer> {
  const { kind } = recipe;
  const env = options.env ?? process.env;
  // Not process.stderr: console ignores a stderr that nobody reads any more, where a bare write would end the process.
  const found = await locate(kind, host, env, options.log ?? console.error, options.mayInstall ?? true);
  const server =
    found.source === 'url' ? await givenServer(kind, found.url, recipe.ask) : await startFound(found);
  const address = withoutCredentials(server.url);
  const processId = server.pid === undefined ? '' : `, process ${server.pid}`;
  options.log?.(`${server.product} ${server.version} from ${found.origin} at ${address}${processId}`);
  return server;

  async function startFound(from: Exclude<Found, { source: 'url' }>): Promise<RunningServer> {
    const dataDir = resolve(options.dataDir);
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const place = { host, kind, env, dataDir };
    return ManagedServer.start({
      recipe,
      runner:
        from.source === 'docker'
          ? containerRunner(from.docker, { ...place, otherPorts: recipe.otherPorts })
          : processRunner(from.command, place),
      source: from.source,
      dataDir,
      port: options.port,
      deadlineMs: options.startDeadlineMs ?? defaultStartDeadlineMs,
    });
  }
}
