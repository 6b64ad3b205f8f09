/** A Converge of its own: servers, worker processes and whatever is needed to break them. */
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from 'nats';
import { QueryClient } from '../../../src/bus/query-client.ts';
import { messageOfStream } from '../../../src/bus/whole-stream.ts';
import { defined } from '../../../src/protocol/defined.ts';
import type { Stats } from '../../../src/protocol/queries.ts';
import { type Subjects, subjects } from '../../../src/protocol/subjects.ts';
import type { RunningServer } from '../../../src/servers/index.ts';
import { shardKeys } from '../../../src/state/keys.ts';
import { connectForReads, openRedis, type Redis } from '../../../src/state/redis.ts';
import { ownEnvironment } from '../../kit/system/environment.ts';
import { OwnSystem } from '../../kit/system/own-system.ts';
import { Link } from './link.ts';
import { wrapRedis } from './redis-wrapper.ts';
import { WorkerProcess } from './worker-process.ts';

export interface SystemOptions {
  readonly dataDir: string;
  readonly namespace: string;
  readonly shards: number;
  readonly workers: number;
  /** Of each worker, MiB; by default what node takes. */
  readonly heapMb?: number | undefined;
  /** Instead of a lease that is as short as the other times of a run. */
  readonly leaseMs?: number | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
}

/** So that the faults of hours fit into seconds. */
export const LEASE_MS = 1_000;
export const SWEEP_EVERY_MS = 500;
export const SWEEP_OVERDUE_MS = 2_000;
const DEDUPE_WINDOW_MS = 1_000;

const SETTINGS = {
  sweepEveryMs: SWEEP_EVERY_MS,
  sweepOverdueMs: SWEEP_OVERDUE_MS,
  dedupeWindowMs: DEDUPE_WINDOW_MS,
  logMaxBytes: 512 * 1024 * 1024,
  eventsMaxBytes: 512 * 1024 * 1024,
  // So often that what recovers from a snapshot is seen, too; the log stays whole for those who judge.
  snapshotEveryMs: 10_000,
  logLevel: 'warn',
  httpPort: -1,
} as const;

const POLL_MS = 50;

export class ChaosSystem {
  readonly namespace: string;
  readonly shards: number;
  readonly subjects: Subjects;
  readonly redis: RunningServer;
  readonly nats: RunningServer;
  /** Not through any link: for those who break things and those who look. */
  readonly admin: Redis;
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly queries: QueryClient;
  /** What the agents speak through, and their connection. */
  readonly agentsToNats: Link;
  readonly agentsConnection: NatsConnection;
  readonly #options: SystemOptions;
  readonly #own: OwnSystem;
  /** Those that run, and those that ended and were not replaced. */
  #workers: WorkerProcess[] = [];
  readonly #all: WorkerProcess[] = [];
  #copies = 0;
  /** Several start at once: a name is given before anything is waited for. */
  #named = 0;

  static async start(options: SystemOptions): Promise<ChaosSystem> {
    const { dataDir, env, say } = options;
    await mkdir(dataDir, { recursive: true });
    const wrapped = { ...env, ...defined({ CONVERGE_REDIS_SERVER: wrapRedis(dataDir, env) }) };
    const own = await OwnSystem.start({ name: 'chaos', dataDir, env: wrapped, log: say });
    const { redis, nats } = own.servers;
    const connection = await connectTo(nats.url);
    const agentsToNats = await Link.start(nats.url);
    const system = new ChaosSystem(options, own, {
      redis,
      nats,
      connection,
      admin: await openRedis(connectForReads(redis.url)),
      jsm: await jetstreamManager(connection, { timeout: 2_000 }),
      agentsToNats,
      agentsConnection: await connectTo(agentsToNats.url),
    });
    // One first: it creates the streams.
    await own.ready(await system.addWorker());
    await Promise.all(
      Array.from({ length: options.workers - 1 }, async () => own.ready(await system.addWorker())),
    );
    return system;
  }

  private constructor(
    options: SystemOptions,
    own: OwnSystem,
    parts: Pick<
      ChaosSystem,
      'redis' | 'nats' | 'connection' | 'admin' | 'jsm' | 'agentsToNats' | 'agentsConnection'
    >,
  ) {
    this.#options = options;
    this.#own = own;
    this.namespace = options.namespace;
    this.shards = options.shards;
    this.subjects = subjects(options.namespace);
    this.redis = parts.redis;
    this.nats = parts.nats;
    this.connection = parts.connection;
    this.admin = parts.admin;
    this.jsm = parts.jsm;
    this.agentsToNats = parts.agentsToNats;
    this.agentsConnection = parts.agentsConnection;
    this.queries = new QueryClient({ connection: this.connection, subjects: this.subjects });
  }

  get workers(): readonly WorkerProcess[] {
    return this.#workers.filter(({ isRunning }) => isRunning);
  }

  /** Every worker that ever ran. */
  get allWorkers(): readonly WorkerProcess[] {
    return this.#all;
  }

  /** Those that ended by themselves since this was asked the last time. */
  takeCrashed(): WorkerProcess[] {
    const crashed = this.#workers.filter(({ hasCrashed }) => hasCrashed);
    this.#workers = this.#workers.filter(({ hasCrashed }) => !hasCrashed);
    return crashed;
  }

  async addWorker(): Promise<WorkerProcess> {
    const { dataDir, namespace, shards, heapMb, leaseMs = LEASE_MS } = this.#options;
    const id = `w${++this.#named}`;
    const worker = await WorkerProcess.start({
      id,
      natsUrl: this.nats.url,
      redisUrl: this.redis.url,
      logFile: join(dataDir, `${id}.log`),
      heapMb,
      env: this.#own.environment({ ...SETTINGS, leaseMs, namespace, shards }),
    });
    this.#all.push(worker);
    this.#workers.push(worker);
    return worker;
  }

  /** As many workers as there should be; resolves when the new ones can work. */
  async refill(): Promise<void> {
    this.#workers = this.#workers.filter(({ isRunning }) => isRunning);
    const missing = this.#options.workers - this.#workers.length;
    const added = await Promise.all(Array.from({ length: Math.max(0, missing) }, () => this.addWorker()));
    await Promise.all(added.map((worker) => this.#own.ready(worker)));
  }

  /** Environment of a command that is to look at this system, through no link. */
  commandEnv(redisUrl = this.redis.url): NodeJS.ProcessEnv {
    const { namespace, shards } = this.#options;
    return this.#own.environment({ namespace, shards, redisUrl, logLevel: 'warn' });
  }

  /** For a server that is started beside those of this system. */
  get serverEnv(): NodeJS.ProcessEnv {
    return ownEnvironment(this.#options.env);
  }

  /** Where Redis says that a shard stands. */
  async positionOf(shard: number): Promise<number> {
    return Number((await this.admin.hget(shardKeys(this.namespace, shard).meta, 'seq')) ?? 0);
  }

  async stats(timeoutMs = 1_000): Promise<Stats> {
    return await this.queries.ask('stats', {}, { timeoutMs });
  }

  /** The worker that works on most shards, as they say themselves; undefined while nobody says anything. */
  async busiestWorker(): Promise<WorkerProcess | undefined> {
    const shards = (await this.stats().catch(() => undefined))?.shards ?? [];
    if (shards.length === 0) return undefined;
    const held = (id: string): number => shards.filter(({ owner }) => owner === id).length;
    return [...this.workers].sort((a, b) => held(b.id) - held(a.id))[0];
  }

  async shardsOf(worker: WorkerProcess): Promise<number[]> {
    const { shards } = await this.stats();
    return shards.filter(({ owner }) => owner === worker.id).map(({ shard }) => shard);
  }

  /** Resolves when every shard has applied what the log holds of it; false when that takes too long. */
  async applied(withinMs: number): Promise<boolean> {
    const deadline = Date.now() + withinMs;
    while (Date.now() < deadline) {
      try {
        const [{ shards }, ends] = await Promise.all([this.stats(), this.#logEnds()]);
        if (shards.every(({ shard, position, outbox }) => position >= (ends[shard] ?? 0) && outbox === 0))
          return true;
      } catch {
        // Nobody answers yet.
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return false;
  }

  /** The last decision of each shard that the log holds. */
  async #logEnds(): Promise<number[]> {
    return await Promise.all(
      Array.from({ length: this.shards }, async (_, shard) => {
        const last = { last_by_subj: this.subjects.shardLog(shard) };
        const message = await messageOfStream(this.jsm, this.subjects.streams.decisions, last);
        return message?.seq ?? 0;
      }),
    );
  }

  /** A copy of what the server has on its disk at this moment, under a name of its own. The server is held meanwhile. */
  async copyOf(server: RunningServer): Promise<string> {
    const copy = join(this.#options.dataDir, `copy-${this.#copies++}`);
    await server.kill('SIGSTOP');
    try {
      await cp(dataOf(server), copy, { recursive: true });
    } finally {
      await server.kill('SIGCONT');
    }
    return copy;
  }

  /** Ends the server at once and lets it begin again with what is in this copy. Answers where its own data went. */
  async restore(server: RunningServer, copy: string): Promise<string> {
    const was = join(this.#options.dataDir, `copy-${this.#copies++}`);
    await server.kill('SIGKILL');
    await rename(dataOf(server), was);
    await cp(copy, dataOf(server), { recursive: true });
    await server.restart();
    return was;
  }

  /** Stops the workers gracefully; false when one of them had to be killed. */
  async stopWorkers(): Promise<boolean> {
    const stopped = await Promise.all(this.workers.map((worker) => worker.stop()));
    return stopped.every((isGraceful) => isGraceful);
  }

  /** Ends everything at once and removes what it left, but for the folder itself. */
  async destroy(): Promise<void> {
    for (const worker of this.workers) worker.killNow();
    await Promise.all(this.#all.map(({ ended }) => ended));
    await this.agentsConnection.close().catch(() => undefined);
    await this.agentsToNats.close();
    this.admin.disconnect();
    await this.connection.close().catch(() => undefined);
    await Promise.allSettled([this.redis.kill(), this.nats.kill()]);
    await Promise.all(
      [this.redis, this.nats].map((server) => rm(dataOf(server), { recursive: true, force: true })),
    );
    await Promise.all(
      Array.from({ length: this.#copies }, (_, i) =>
        rm(join(this.#options.dataDir, `copy-${i}`), { recursive: true, force: true }),
      ),
    );
  }
}

/** Found again quickly, and never given up. */
function connectTo(url: string): Promise<NatsConnection> {
  return connect({
    servers: url,
    name: 'chaos',
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    reconnectJitter: 0,
    pingInterval: 2_000,
  });
}

function dataOf({ name, dataDir }: RunningServer): string {
  if (dataDir === undefined) throw new Error(`${name} is not ours: it has no data folder`);
  return join(dataDir, name === 'redis' ? 'appendonlydir' : 'jetstream');
}
