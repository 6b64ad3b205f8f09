/**
 * The servers of a run and whatever works on them: in a folder of their own, which is gone at the end, however that
 * comes about.
 */
import { rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after } from '../../../src/lib/timers.ts';
import {
  type RunningServer,
  type Servers,
  type ServersOptions,
  startServers,
  temporaryDataDir,
} from '../../../src/servers/index.ts';
import { KeyedAccess } from './access.ts';
import { environmentOf, ownEnvironment, type Settings } from './environment.ts';
import type { WorkerChild } from './worker-child.ts';

export interface OwnSystemOptions extends Partial<Omit<ServersOptions, 'env'>> {
  /** A part of the name of its folder. */
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
  /** Servers that the environment names are used. Otherwise they are always our own. */
  readonly mayShare?: boolean;
  /** The servers know who is who. */
  readonly keys?: { readonly namespace: string; readonly shards: number };
  /** Stays when the system ends. */
  readonly dataDir?: string;
}

const NOTICED_WITHIN_MS = 500;

export class OwnSystem implements AsyncDisposable {
  readonly dataDir: string;
  readonly servers: Servers;
  readonly access: KeyedAccess | undefined;
  readonly #env: NodeJS.ProcessEnv;
  readonly #keyedEnv: NodeJS.ProcessEnv;
  readonly #remove: () => void;
  #stopping: Promise<void> | undefined;

  static async start(options: OwnSystemOptions): Promise<OwnSystem> {
    const { name, env, mayShare = false, keys, dataDir: given, ...ofServers } = options;
    const dataDir = given ?? (await temporaryDataDir(`converge-${name}`));
    await mkdir(dataDir, { recursive: true });
    const remove = given === undefined ? () => removeFolder(dataDir) : () => undefined;
    // Once before and once after the net that ends the servers: whoever goes on writing for a moment leaves nothing
    // behind either.
    process.on('exit', remove);
    try {
      const own = ownEnvironment(env);
      const access = keys && (await KeyedAccess.make(join(dataDir, 'auth'), keys.namespace, keys.shards));
      const servers = await startServers({
        ...ofServers,
        dataDir,
        env: mayShare && keys === undefined ? env : own,
        ...(await access?.servers()),
      });
      process.on('exit', remove);
      access?.guard(servers);
      const keyedEnv = (await access?.workerEnv(servers.redis.url)) ?? {};
      return new OwnSystem({ dataDir, servers, access, env: own, keyedEnv, remove });
    } catch (error) {
      forget(remove);
      throw error;
    }
  }

  private constructor(made: {
    readonly dataDir: string;
    readonly servers: Servers;
    readonly access: KeyedAccess | undefined;
    readonly env: NodeJS.ProcessEnv;
    readonly keyedEnv: NodeJS.ProcessEnv;
    readonly remove: () => void;
  }) {
    this.dataDir = made.dataDir;
    this.servers = made.servers;
    this.access = made.access;
    this.#env = made.env;
    this.#keyedEnv = made.keyedEnv;
    this.#remove = made.remove;
  }

  /** What these servers hold is not ours alone. */
  get isShared(): boolean {
    const { nats, redis } = this.servers;
    return nats.source === 'url' || redis.source === 'url';
  }

  /** Of a worker or a command that is to use these servers. */
  environment(settings: Settings): NodeJS.ProcessEnv {
    const { nats, redis } = this.servers;
    return {
      ...this.#env,
      ...environmentOf({ natsUrl: nats.url, redisUrl: redis.url }),
      ...this.#keyedEnv,
      ...environmentOf(settings),
    };
  }

  /** Resolves when the worker can work. Where it cannot, the error also says which server has ended. */
  async ready(worker: WorkerChild): Promise<void> {
    try {
      await worker.ready();
    } catch (error) {
      const { nats, redis } = this.servers;
      const ends = (await Promise.all([nats, redis].map(endOf))).flatMap((end) => end ?? []);
      const message = error instanceof Error ? error.message : String(error);
      throw ends.length === 0 ? error : new Error([message, ...ends].join('\n'), { cause: error });
    }
  }

  /** Ends the servers and removes what they left. May be called more than once. */
  stop(): Promise<void> {
    this.#stopping ??= this.servers.stop().finally(() => forget(this.#remove));
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** How a server has ended; undefined while it runs. */
async function endOf(server: RunningServer): Promise<string | undefined> {
  const soon = new Promise<undefined>((resolve) => void after(NOTICED_WITHIN_MS, () => resolve(undefined)));
  const how = await Promise.race([server.ended, soon]);
  return how && `the ${server.name} server ${how}; it printed:\n${await server.logTail()}`;
}

function forget(remove: () => void): void {
  remove();
  process.removeListener('exit', remove).removeListener('exit', remove);
}

/** A server that was killed this very moment may still be writing. */
function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}
