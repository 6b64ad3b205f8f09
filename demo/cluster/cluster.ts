/** The system that the demo plays on: servers with a data folder of their own, and worker processes. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { defined } from '../../src/protocol/defined.ts';
import { DEFAULT_NAMESPACE } from '../../src/protocol/subjects.ts';
import { type Access, OPEN_ACCESS } from '../../verify/kit/system/access.ts';
import { OwnSystem } from '../../verify/kit/system/own-system.ts';
import { WorkerChild } from '../../verify/kit/system/worker-child.ts';
import { removeTraces } from './remove-traces.ts';

export interface ClusterOptions {
  readonly workers: number;
  /** Servers that know who is who. */
  readonly auth: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
}

const SHARDS = 16;
const STOP_WITHIN_MS = 12_000;

/** How these workers differ from others: they find out sooner that one of them is dead, and a small disk will do. */
const WORKER_SETTINGS = {
  logMaxBytes: 512 * 1024 * 1024,
  eventsMaxBytes: 512 * 1024 * 1024,
  snapshotsMaxBytes: 128 * 1024 * 1024,
  leaseMs: 1_500,
  sweepEveryMs: 500,
  logLevel: 'warn',
  httpPort: -1,
} as const;

export class Cluster {
  readonly natsUrl: string;
  readonly namespace: string;
  readonly shards = SHARDS;
  readonly workers: readonly WorkerChild[];
  readonly access: Access;
  readonly #system: OwnSystem;
  #stopping: Promise<void> | undefined;

  static async start({ workers, auth, env, say }: ClusterOptions): Promise<Cluster> {
    const keys = auth ? { namespace: DEFAULT_NAMESPACE, shards: SHARDS } : undefined;
    const system = await OwnSystem.start({
      name: 'demo',
      env,
      log: say,
      mayShare: true,
      ...defined({ keys }),
    });
    const namespace = system.isShared ? `demo-${randomBytes(6).toString('hex')}` : DEFAULT_NAMESPACE;
    const children = Array.from({ length: workers }, (_, i) => `w${i + 1}`).map(
      (id) =>
        new WorkerChild({
          id,
          env: system.environment({ ...WORKER_SETTINGS, namespace, shards: SHARDS }),
          logFile: join(system.dataDir, `${id}.log`),
        }),
    );
    const cluster = new Cluster(system, namespace, children);
    const started = await Promise.allSettled(children.map((worker) => system.ready(worker)));
    const failed = started.find((each) => each.status === 'rejected');
    if (failed === undefined) return cluster;
    await cluster.stop();
    throw failed.reason;
  }

  private constructor(system: OwnSystem, namespace: string, workers: readonly WorkerChild[]) {
    this.#system = system;
    this.access = system.access ?? OPEN_ACCESS;
    this.natsUrl = system.servers.nats.url;
    this.namespace = namespace;
    this.workers = workers;
  }

  get workersRunning(): number {
    return this.workers.filter(({ isRunning }) => isRunning).length;
  }

  /** Lets the workers finish; the servers stay. */
  async stopWorkers(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop(STOP_WITHIN_MS)));
  }

  /** Ends everything, at once, and removes what it left. May be called more than once. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()));
    const { nats, redis } = this.#system.servers;
    if (this.#system.isShared) await removeTraces(nats.url, redis.url, this.namespace);
    await this.#system.stop();
  }
}
