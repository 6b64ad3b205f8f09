/**
 * A real system for a test file: its own redis-server and nats-server, workers in this process, agents that know only
 * the protocol. Every test takes a namespace of its own, so that one pair of servers does for the whole file. What a
 * test leaves open is closed for it; what then still keeps the process alive fails the file.
 */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { Redis } from 'ioredis';
import { connect, type NatsConnection } from 'nats';
import { type Logger, pino } from 'pino';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Servers, ServersOptions } from '../../src/servers/index.ts';
import { type Config, type ConfigInput, parseConfig } from '../../src/workers/config.ts';
import { type RunningWorker, startWorker } from '../../src/workers/process/worker.ts';
import { OwnSystem } from '../../verify/kit/system/own-system.ts';
import { type Dump, dumpState } from './dump-state.ts';
import { RawAgent } from './raw-agent.ts';
import { until } from './until.ts';

export interface Event {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly subject: string;
  readonly time: string;
  readonly sequence: string;
  readonly causationid: string;
  readonly actor: string;
  // biome-ignore lint/suspicious/noExplicitAny: the data of an event is whatever its type says.
  readonly data: any;
}

interface Running {
  readonly own: OwnSystem;
  readonly redis: Redis;
  readonly nats: NatsConnection;
  readonly jsm: JetStreamManager;
}

/** Starts the servers before the tests of the file and ends everything after them. */
export function useSystem(options: Partial<ServersOptions> = {}): System {
  const system = new System(options);
  const before = activeSockets();
  beforeAll(() => system.start());
  afterEach(() => system.endOfTest());
  afterAll(async () => {
    await system.stop();
    await until('every socket and child process to be closed', () => activeSockets() <= before, 5_000);
  });
  return system;
}

function activeSockets(): number {
  const kinds = new Set(['TCPSocketWrap', 'TCPServerWrap', 'ProcessWrap']);
  return process.getActiveResourcesInfo().filter((kind) => kinds.has(kind)).length;
}

export class System {
  readonly #options: Partial<ServersOptions>;
  readonly #cleanups: (() => Promise<unknown>)[] = [];
  #running: Running | undefined;
  #spaces = 0;

  constructor(options: Partial<ServersOptions>) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const own = await OwnSystem.start({
      ...this.#options,
      name: 'test',
      env: this.#options.env ?? process.env,
    });
    const { servers } = own;
    const redis = new Redis(servers.redis.url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
    redis.on('error', () => undefined);
    const nats = await connect({
      servers: servers.nats.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
      reconnectJitter: 0,
    });
    this.#running = { own, redis, nats, jsm: await jetstreamManager(nats) };
  }

  async stop(): Promise<void> {
    if (this.#running === undefined) return;
    const { own, redis, nats } = this.#running;
    redis.disconnect();
    await nats.close();
    await own.stop();
  }

  async endOfTest(): Promise<void> {
    const results = await Promise.allSettled(this.#cleanups.splice(0).map((cleanup) => cleanup()));
    const failed = results.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  /** Called when the test is over, whatever became of it. */
  onEndOfTest(cleanup: () => Promise<unknown>): void {
    this.#cleanups.push(cleanup);
  }

  get dataDir(): string {
    return this.#started.own.dataDir;
  }

  get servers(): Servers {
    return this.#started.own.servers;
  }

  get redis(): Redis {
    return this.#started.redis;
  }

  get nats(): NatsConnection {
    return this.#started.nats;
  }

  get jsm(): JetStreamManager {
    return this.#started.jsm;
  }

  /** A namespace that no other test uses. */
  space(config: Partial<ConfigInput> = {}): Space {
    return new Space(this, `t${this.#spaces++}`, config);
  }

  get #started(): Running {
    if (this.#running === undefined) throw new Error('the servers run only while tests do');
    return this.#running;
  }
}

/** What tests want of a worker unless they say otherwise: everything soon. */
const QUICK: Partial<ConfigInput> = {
  shards: 2,
  leaseMs: 1_000,
  sweepEveryMs: 100,
  sweepOverdueMs: 2_000,
  shutdownMs: 8_000,
  httpPort: -1,
  logMaxBytes: 256 * 1024 * 1024,
  eventsMaxBytes: 256 * 1024 * 1024,
  snapshotsMaxBytes: 64 * 1024 * 1024,
};

/** Nothing happens but what the test sends: neither the scheduled sweeper nor a shard's owner sweeps. */
export const NO_SWEEPS: Partial<ConfigInput> = { sweepEveryMs: 3_600_000, sweepOverdueMs: 86_400_000 };

const SILENT = pino({ level: 'silent' });

export class Space {
  readonly ns: string;
  readonly system: System;
  readonly #config: Partial<ConfigInput>;
  readonly #agents = new Map<string, Promise<RawAgent>>();

  constructor(system: System, ns: string, config: Partial<ConfigInput>) {
    this.system = system;
    this.ns = ns;
    this.#config = config;
  }

  get shards(): number {
    return this.config().shards;
  }

  config(overrides: Partial<ConfigInput> = {}): Config {
    return parseConfig(this.input(overrides));
  }

  input(overrides: Partial<ConfigInput> = {}): Partial<ConfigInput> {
    const { redis, nats } = this.system.servers;
    const urls = { redisUrl: redis.url, natsUrl: nats.url };
    return { ...QUICK, ...urls, ...this.#config, ...overrides, namespace: this.ns };
  }

  /** A worker in this process; stopped at the end of the test. */
  async worker(overrides: Partial<ConfigInput> = {}, logger: Logger = SILENT): Promise<RunningWorker> {
    const worker = await startWorker(this.config(overrides), { logger });
    this.system.onEndOfTest(() => worker.stop());
    return worker;
  }

  /** The agent of this name; always the same one. */
  agent(name: string): Promise<RawAgent> {
    let agent = this.#agents.get(name);
    if (agent === undefined) {
      const { url } = this.system.servers.nats;
      agent = RawAgent.connect({ url, ns: this.ns, shards: this.shards, name });
      this.#agents.set(name, agent);
      const connected = agent;
      this.system.onEndOfTest(async () => (await connected).close());
    }
    return agent;
  }

  /** Resolves when every shard has applied all that the log holds of it. */
  async applied(withinMs?: number): Promise<void> {
    for (let shard = 0; shard < this.shards; shard++) {
      const last = await this.lastInLog(shard);
      await until(
        `shard ${shard} to apply ${last}`,
        async () => (await this.position(shard)) >= last,
        withinMs,
      );
    }
  }

  async position(shard: number): Promise<number> {
    return Number((await this.system.redis.hget(`${this.ns}:{${shard}}:s:meta`, 'seq')) ?? 0);
  }

  async lastInLog(shard: number): Promise<number> {
    const subject = `${this.ns}.decisions.${shard}.>`;
    const message = await this.system.jsm.streams
      .getMessage(this.stream('DECISIONS'), { last_by_subj: subject })
      .catch(() => null);
    return message?.seq ?? 0;
  }

  /** All that Redis holds of the state, byte for byte. */
  async state(): Promise<Dump> {
    return await dumpState(this.system.redis, this.ns);
  }

  /** Nothing that was committed waits for publication any more. */
  async published(withinMs?: number): Promise<void> {
    for (let shard = 0; shard < this.shards; shard++) {
      await until(
        `the outbox of shard ${shard} to be empty`,
        async () => (await this.system.redis.hlen(`${this.ns}:{${shard}}:r:outbox`)) === 0,
        withinMs,
      );
    }
  }

  /** Every event in the stream, pack by pack, with all repeats. */
  async storedEvents(): Promise<Event[]> {
    return (await this.messages('EVENTS')).flatMap(({ data }) => JSON.parse(data));
  }

  /** The events as a subscriber takes them: each id once. */
  async events(): Promise<Event[]> {
    const seen = new Map((await this.storedEvents()).toReversed().map((event) => [event.id, event]));
    return [...seen.values()].toReversed();
  }

  async messages(
    stream: 'DECISIONS' | 'EVENTS' | 'DEADLETTERS',
  ): Promise<{ subject: string; data: string; header: (name: string) => string }[]> {
    const name = this.stream(stream);
    const { state } = await this.system.jsm.streams.info(name);
    const found: { subject: string; data: string; header: (name: string) => string }[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++) {
      const message = await this.system.jsm.streams.getMessage(name, { seq }).catch(() => null);
      if (message === null) continue;
      const { subject, header } = message;
      found.push({ subject, data: message.string(), header: (key) => header.get(key) });
    }
    return found;
  }

  stream(name: 'DECISIONS' | 'EVENTS' | 'DEADLETTERS'): string {
    return `${this.ns.toUpperCase()}_${name === 'EVENTS' ? 'EVENTS2' : name}`;
  }

  /** A pool of this shard. */
  poolOn(shard: number, prefix = 'pool'): string {
    for (let i = 0; ; i++) {
      const pool = `${prefix}-${i}`;
      if (fnv(pool) % this.shards === shard) return pool;
    }
  }
}

function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
