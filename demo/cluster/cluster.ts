/** The system that the demo plays on: servers with a data folder of their own, and worker processes. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_NAMESPACE } from '../../src/protocol/subjects.ts';
import { type Servers, startServers, temporaryDataDir } from '../../src/servers/index.ts';
import { type Access, KeyedAccess, OPEN_ACCESS } from './access.ts';
import { removeTraces } from './remove-traces.ts';
import { WorkerChild } from './worker-child.ts';

export interface ClusterOptions {
  readonly workers: number;
  /** Servers that know who is who. */
  readonly auth: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
}

const SHARDS = 16;

/** How these workers differ from others: they find out sooner that one of them is dead, and a small disk will do. */
const WORKER_SETTINGS = {
  CONVERGE_LOG_MAX_BYTES: String(512 * 1024 * 1024),
  CONVERGE_EVENTS_MAX_BYTES: String(512 * 1024 * 1024),
  CONVERGE_SNAPSHOTS_MAX_BYTES: String(128 * 1024 * 1024),
  CONVERGE_LEASE_MS: '1500',
  CONVERGE_SWEEP_EVERY_MS: '500',
  CONVERGE_LOG_LEVEL: 'warn',
  CONVERGE_HTTP_PORT: '-1',
} as const;

export class Cluster {
  readonly natsUrl: string;
  readonly namespace: string;
  readonly shards = SHARDS;
  readonly workers: readonly WorkerChild[];
  readonly access: Access;
  readonly #servers: Servers;
  readonly #dataDir: string;
  #stopping: Promise<void> | undefined;

  static async start({ workers, auth, env, say }: ClusterOptions): Promise<Cluster> {
    const dataDir = await temporaryDataDir('converge-demo');
    // For an end without farewell. Once before and once after the net that ends the servers: whoever goes on writing for
    // a moment leaves nothing behind either.
    process.on('exit', () => removeFolder(dataDir));
    const access = auth
      ? await KeyedAccess.make(join(dataDir, 'auth'), DEFAULT_NAMESPACE, SHARDS)
      : undefined;
    const servers = await startServers({
      dataDir,
      env: auth ? withoutServers(env) : env,
      log: say,
      ...(await access?.servers()),
    });
    access?.guard(servers);
    const workerAccess = await access?.workerEnv(servers.redis.url);
    process.on('exit', () => removeFolder(dataDir));
    const namespace = areShared(servers) ? `demo-${randomBytes(6).toString('hex')}` : DEFAULT_NAMESPACE;
    const workerEnv = (id: string): NodeJS.ProcessEnv => ({
      ...withoutOurs(env),
      ...WORKER_SETTINGS,
      CONVERGE_NAMESPACE: namespace,
      CONVERGE_NATS_URL: servers.nats.url,
      CONVERGE_REDIS_URL: servers.redis.url,
      CONVERGE_SHARDS: String(SHARDS),
      ...workerAccess,
      CONVERGE_WORKER_ID: id,
    });
    const started = await Promise.allSettled(
      Array.from({ length: workers }, (_, i) => `w${i + 1}`).map((id) =>
        WorkerChild.start(id, workerEnv(id), join(dataDir, `${id}.log`)),
      ),
    );
    const running = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const cluster = new Cluster(servers, access ?? OPEN_ACCESS, namespace, dataDir, running);
    const failed = started.find((each) => each.status === 'rejected');
    if (failed === undefined) return cluster;
    await cluster.stop();
    throw failed.reason;
  }

  private constructor(
    servers: Servers,
    access: Access,
    namespace: string,
    dataDir: string,
    workers: readonly WorkerChild[],
  ) {
    this.#servers = servers;
    this.access = access;
    this.natsUrl = servers.nats.url;
    this.namespace = namespace;
    this.workers = workers;
    this.#dataDir = dataDir;
  }

  get workersRunning(): number {
    return this.workers.filter(({ isRunning }) => isRunning).length;
  }

  /** Lets the workers finish; the servers stay. */
  async stopWorkers(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop()));
  }

  /** Ends everything, at once, and removes what it left. May be called more than once. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()));
    const { nats, redis } = this.#servers;
    if (areShared(this.#servers)) await removeTraces(nats.url, redis.url, this.namespace);
    await this.#servers.stop();
    removeFolder(this.#dataDir);
  }
}

/** Somebody else's servers: what they hold is left alone, and ours is under a name of its own. */
function areShared({ nats, redis }: Servers): boolean {
  return nats.source === 'url' || redis.source === 'url';
}

/** A server that was killed this very moment may still be writing. */
function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/** Somebody else's servers do not know our identities. */
function withoutServers({
  CONVERGE_NATS_URL: _nats,
  CONVERGE_REDIS_URL: _redis,
  ...others
}: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return others;
}

/** Settings of somebody else's workers are not for these. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('CONVERGE_')));
}
