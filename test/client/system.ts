/** Real servers and, where wanted, a real worker, for the tests of one file. */
import { rm } from 'node:fs/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { closeNats, connectNats } from '../../src/bus/connection.ts';
import type { StreamLimits } from '../../src/bus/stream-configs.ts';
import { ensureStreams } from '../../src/bus/streams.ts';
import { type ClientOptions, type ConvergeClient, connect } from '../../src/client/index.ts';
import { type Subjects, subjects } from '../../src/protocol/subjects.ts';
import { type RunningServer, startNats, startRedis, temporaryDataDir } from '../../src/servers/index.ts';
import { type ConfigInput, parseConfig } from '../../src/workers/config.ts';
import { type RunningWorker, startWorker } from '../../src/workers/process/worker.ts';

// The servers of this machine, whatever the developer's environment points to.
const env = { ...process.env, CONVERGE_REDIS_URL: undefined, CONVERGE_NATS_URL: undefined };

export const SHARDS = 4;

export const LIMITS: StreamLimits = {
  logMaxBytes: 64 * 1024 * 1024,
  eventsMaxBytes: 64 * 1024 * 1024,
  snapshotsMaxBytes: 64 * 1024 * 1024,
  eventsMaxAgeMs: 60 * 60 * 1_000,
  deadLettersMaxCount: 1_000,
  deadLettersMaxAgeMs: 60 * 60 * 1_000,
  dedupeWindowMs: 120_000,
  replicas: 1,
};

export interface Broker {
  readonly server: RunningServer;
  /** A connection that is closed after the test. */
  connect(): Promise<NatsConnection>;
  /** Streams of a namespace of its own for each call. */
  streams(limits?: Partial<StreamLimits>): Promise<Subjects>;
}

export interface System extends Broker {
  readonly redis: RunningServer;
  readonly worker: RunningWorker;
  readonly subjects: Subjects;
  /** A client that is closed after the test. */
  client(agent: string, options?: Partial<ClientOptions>): Promise<ConvergeClient>;
  startWorker(): Promise<void>;
}

type Cleanup = () => Promise<unknown>;

class Started implements System {
  readonly cleanups: Cleanup[] = [];
  readonly #config: Partial<ConfigInput>;
  #nats: RunningServer | undefined;
  #redis: RunningServer | undefined;
  #worker: RunningWorker | undefined;
  #namespaces = 0;
  readonly subjects = subjects('test');

  constructor(config: Partial<ConfigInput>) {
    this.#config = config;
  }

  get server(): RunningServer {
    return there(this.#nats);
  }

  get redis(): RunningServer {
    return there(this.#redis);
  }

  get worker(): RunningWorker {
    return there(this.#worker);
  }

  async startNats(): Promise<void> {
    this.#nats = await startNats({ dataDir: await temporaryDataDir('converge-client-test'), env });
  }

  async startRedis(): Promise<void> {
    this.#redis = await startRedis({ dataDir: await temporaryDataDir('converge-client-test'), env });
  }

  async startWorker(): Promise<void> {
    await this.#worker?.stop();
    this.#worker = await startWorker(
      parseConfig({
        namespace: 'test',
        natsUrl: this.server.url,
        redisUrl: this.redis.url,
        shards: SHARDS,
        httpPort: -1,
        sweepEveryMs: 100,
        leaseMs: 1_000,
        ...this.#config,
      }),
      { logger: pino({ level: process.env.TEST_LOG ?? 'silent' }) },
    );
  }

  async stop(): Promise<void> {
    await this.#worker?.stop();
    for (const server of [this.#nats, this.#redis]) {
      await server?.stop();
      if (server?.dataDir !== undefined) await rm(server.dataDir, { recursive: true, force: true });
    }
  }

  async connect(): Promise<NatsConnection> {
    const connection = await connectNats({ url: this.server.url, name: 'test' });
    this.cleanups.push(() => closeNats(connection));
    return connection;
  }

  async streams(limits: Partial<StreamLimits> = {}): Promise<Subjects> {
    const names = subjects(`ns${this.#namespaces++}`);
    const jsm = await jetstreamManager(await this.connect());
    await ensureStreams(jsm, names, SHARDS, { ...LIMITS, ...limits });
    return names;
  }

  async client(agent: string, options: Partial<ClientOptions> = {}): Promise<ConvergeClient> {
    const where = options.connection === undefined ? { url: this.server.url } : {};
    const client = await connect({ agent, namespace: 'test', ...where, ...options });
    this.cleanups.push(() => client.close());
    return client;
  }
}

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('not started yet');
  return value;
}

/** A NATS server for the tests of this file. */
export function useBroker(): Broker {
  const started = new Started({});
  beforeAll(() => started.startNats());
  afterEach(() => cleanUp(started));
  afterAll(() => started.stop());
  return started;
}

/** NATS, Redis and a worker for the tests of this file. */
export function useSystem(config: Partial<ConfigInput> = {}): System {
  const started = new Started(config);
  beforeAll(async () => {
    await Promise.all([started.startNats(), started.startRedis()]);
    await started.startWorker();
  });
  afterEach(() => cleanUp(started));
  afterAll(() => started.stop());
  return started;
}

async function cleanUp({ cleanups }: Started): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

let names = 0;

/** A name that no other test uses. */
export function fresh(prefix: string): string {
  return `${prefix}-${names++}`;
}
