/** One worker process: connects, takes its share of the shards, sweeps when it is its turn, answers queries. */
import { type JetStreamManager, jetstreamManager, type StreamInfo } from '@nats-io/jetstream';
import { type NatsConnection, nuid } from 'nats';
import { type Logger, pino } from 'pino';
import { closeNats, connectNats } from '../bus/connection.ts';
import { EventFeeds } from '../bus/event-feeds.ts';
import { logDurability } from '../bus/log-durability.ts';
import { QueryService } from '../bus/query-service.ts';
import { SnapshotBucket } from '../bus/snapshot-bucket.ts';
import { StreamPublisher } from '../bus/stream-publisher.ts';
import { closeWhenNearlyFull, ensureStreams, findStream, isNearlyFull, type Layout } from '../bus/streams.ts';
import { type Config, natsAccess, redisTls } from '../config.ts';
import { ConfigurationError, messageOf } from '../errors.ts';
import { askerOf } from '../protocol/identity.ts';
import { type Subjects, subjects as subjectsOf } from '../protocol/subjects.ts';
import { shardKeys, systemKeys } from '../state/keys.ts';
import { redisLeaseStore } from '../state/lease-store.ts';
import { StateQueries } from '../state/queries.ts';
import {
  connectForBullMq,
  connectForCommits,
  connectForReads,
  openRedis,
  type Redis,
} from '../state/redis.ts';
import { RedisShardStore } from '../state/redis-shard-store.ts';
import { TrackedShardStore } from '../state/snapshots/tracked-store.ts';
import { stateDurability } from '../state/state-durability.ts';
import { VERSION } from '../version.ts';
import { durabilityOf } from './durability.ts';
import { type HealthServer, startHealthServer } from './health-server.ts';
import { LeaseHolder } from './leases.ts';
import { WorkerMetrics } from './metrics.ts';
import { natsShardLog, natsShardPublisher } from './nats-ports.ts';
import { SYSTEM_CLOCK } from './ports.ts';
import { maySee, privatelyAnswered } from './query-access.ts';
import { queryHandlers } from './query-handlers.ts';
import { ShardWorker } from './shard-worker.ts';
import { LogTrimmer } from './snapshots/log-trimmer.ts';
import { recoverShard } from './snapshots/recover-shard.ts';
import { SnapshotKeeper } from './snapshots/snapshot-keeper.ts';
import { SweepSchedule } from './sweep-schedule.ts';
import { Sweeper } from './sweeper.ts';

export interface RunningWorker {
  readonly id: string;
  /** Where `/livez`, `/readyz` and `/metrics` are; undefined when switched off. */
  readonly healthUrl: string | undefined;
  readonly shards: readonly number[];
  readonly layout: Layout;
  /** Why it cannot do all of its work at this moment; empty when it can. */
  notReady(): readonly string[];
  /** Finishes what is under way, gives its shards back and closes every connection, within `shutdownMs`. */
  stop(): Promise<void>;
}

interface Connections {
  readonly nats: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly bucket: SnapshotBucket;
  readonly commits: Redis;
  readonly reads: Redis;
  readonly leases: Redis;
  readonly snapshots: Redis;
  readonly bullQueue: Redis;
  readonly bullWorker: Redis;
}

const LOG_CHECK_MS = 1_000;
/** The log is trimmed as often as snapshots are taken, within reason. */
const LEAST_TRIM_MS = 1_000;
const MOST_TRIM_MS = 60_000;
const FEED_CHECK_MS = 1_000;
/** NATS' default: the limits of decisions and answers leave room for what is published of them in this. */
const MIN_PAYLOAD_BYTES = 1024 * 1024;

export async function startWorker(
  config: Config,
  options: { readonly logger?: Logger } = {},
): Promise<RunningWorker> {
  const id = config.workerId ?? `w-${nuid.next()}`;
  const logger = (options.logger ?? pino({ level: config.logLevel })).child({ worker: id });
  const worker = new WorkerProcess(config, id, logger, await openConnections(config, id));
  try {
    return await worker.start();
  } catch (error) {
    await worker.stop();
    throw error;
  }
}

async function openConnections(config: Config, id: string): Promise<Connections> {
  const nats = await connectNats({
    ...natsAccess(config),
    name: `converge-worker ${id}`,
    fallback: { role: 'worker', name: id.replace(/[^A-Za-z0-9_-]/g, '-') },
  });
  const tls = redisTls(config);
  const redis: Redis[] = [];
  const opened = async (connection: Redis): Promise<Redis> => {
    redis.push(connection);
    return await openRedis(connection);
  };
  try {
    const jsm = await jetstreamManager(nats);
    return {
      nats,
      jsm,
      bucket: await SnapshotBucket.open(nats, jsm, subjectsOf(config.namespace)),
      commits: await opened(connectForCommits(config.redisUrl, { tls })),
      reads: await opened(connectForReads(config.redisUrl, { tls })),
      leases: await opened(connectForCommits(config.redisUrl, { tls })),
      snapshots: await opened(connectForReads(config.redisUrl, { tls })),
      bullQueue: await opened(connectForBullMq(config.bullRedisUrl ?? config.redisUrl, { tls })),
      bullWorker: await opened(connectForBullMq(config.bullRedisUrl ?? config.redisUrl, { tls })),
    };
  } catch (error) {
    for (const connection of redis) disconnect(connection);
    await closeNats(nats);
    throw error;
  }
}

async function closeConnections({
  nats,
  commits,
  reads,
  leases,
  snapshots,
  bullQueue,
  bullWorker,
}: Connections): Promise<void> {
  for (const redis of [commits, reads, leases, snapshots, bullQueue, bullWorker]) disconnect(redis);
  await closeNats(nats);
}

/** Disconnecting what has ended already would leave a timer of ioredis behind. */
function disconnect(redis: Redis): void {
  if (redis.status !== 'end') redis.disconnect();
}

/** An event or outcome that the server does not take would hold up its shard for ever. */
function checkPayload({ info }: NatsConnection): void {
  if (info === undefined || info.max_payload >= MIN_PAYLOAD_BYTES) return;
  throw new ConfigurationError(
    `NATS takes messages of ${info.max_payload} bytes; events and outcomes can have ${MIN_PAYLOAD_BYTES} (max_payload)`,
  );
}

class WorkerProcess {
  readonly #config: Config;
  readonly #id: string;
  readonly #logger: Logger;
  readonly #connections: Connections;
  readonly #subjects: Subjects;
  readonly #metrics = new WorkerMetrics();
  readonly #streams: StreamPublisher;
  readonly #shards = new Map<number, ShardWorker>();
  readonly #leases: LeaseHolder;
  readonly #queries: StateQueries;
  readonly #snapshots: SnapshotKeeper;
  readonly #trimmer: LogTrimmer;
  #trimming: Promise<void> | undefined;
  readonly #feeds: EventFeeds;
  #sweeper: Sweeper | undefined;
  #schedule: SweepSchedule | undefined;
  #service: QueryService | undefined;
  #health: HealthServer | undefined;
  #logCheck: NodeJS.Timeout | undefined;
  #feedCheck: NodeJS.Timeout | undefined;
  #isCheckingFeeds = false;
  #commits = 0;
  #eventsAreFull = false;
  #logIsFull = false;
  #stopping: Promise<void> | undefined;

  constructor(config: Config, id: string, logger: Logger, connections: Connections) {
    this.#config = config;
    this.#id = id;
    this.#logger = logger;
    this.#connections = connections;
    this.#subjects = subjectsOf(config.namespace);
    this.#streams = new StreamPublisher(connections.nats);
    this.#queries = new StateQueries(connections.reads, config.namespace, config.shards);
    this.#snapshots = new SnapshotKeeper({
      bucket: connections.bucket,
      redis: connections.snapshots,
      namespace: config.namespace,
      shards: config.shards,
      keysOf: (shard) => shardKeys(config.namespace, shard),
      everyMs: config.snapshotEveryMs,
      everyDecisions: config.snapshotEveryDecisions,
      logger,
      metrics: this.#metrics,
    });
    this.#trimmer = new LogTrimmer({
      jsm: connections.jsm,
      subjects: this.#subjects,
      bucket: connections.bucket,
      shards: config.shards,
      logRetentionMs: config.logRetentionMs,
      positionOf: (shard) => this.#storeOf(shard).position(),
      logger,
      metrics: this.#metrics,
    });
    this.#feeds = new EventFeeds(connections.jsm, this.#subjects);
    this.#leases = new LeaseHolder({
      store: redisLeaseStore({
        redis: connections.leases,
        shardKeys: (shard) => shardKeys(config.namespace, shard),
        systemKeys: systemKeys(config.namespace),
        workerId: id,
        leaseMs: config.leaseMs,
      }),
      shards: config.shards,
      leaseMs: config.leaseMs,
      clock: SYSTEM_CLOCK,
      random: Math.random,
      logger,
      onAcquired: (shard) => this.#begin(shard),
      onReleased: (shard) => this.#end(shard),
    });
  }

  async start(): Promise<RunningWorker> {
    const { nats, jsm } = this.#connections;
    checkPayload(nats);
    const layout = await ensureStreams(jsm, this.#subjects, this.#config.shards, this.#config);
    await this.#checkRedis();
    void this.#watchConnection(nats);
    this.#watchLog(jsm);
    if (this.#config.auth) this.#guardFeeds();
    this.#startService(nats);
    await this.#startSweeping(nats);
    await this.#leases.start();
    this.#snapshots.start();
    this.#offerFigures();
    if (this.#config.httpPort >= 0) {
      this.#health = await startHealthServer({
        port: this.#config.httpPort,
        host: this.#config.httpHost,
        token: this.#config.httpToken,
        registry: this.#metrics.registry,
        notReady: () => this.#notReady(),
      });
    }
    await this.#sayDurability();
    this.#logger.info(
      { health: this.#health?.url, shards: layout.shards, log: layout.logIdentity },
      'worker started',
    );
    return this.#handle(layout);
  }

  #handle(layout: Layout): RunningWorker {
    const leases = this.#leases;
    return {
      id: this.#id,
      healthUrl: this.#health?.url,
      get shards() {
        return leases.held;
      },
      layout,
      notReady: () => this.#notReady(),
      stop: () => this.stop(),
    };
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#logger.info('worker stops');
    clearInterval(this.#logCheck);
    clearInterval(this.#feedCheck);
    let late: NodeJS.Timeout | undefined;
    const expired = new Promise<void>((resolve) => {
      late = setTimeout(() => {
        this.#logger.error('not everything stopped in time; leases lapse by themselves');
        resolve();
      }, this.#config.shutdownMs);
    });
    await Promise.race([this.#stopAll(), expired]);
    clearTimeout(late);
    await closeConnections(this.#connections);
    this.#logger.info('worker stopped');
  }

  async #stopAll(): Promise<void> {
    await this.#schedule?.close();
    this.#sweeper?.close();
    await this.#snapshots.close();
    await this.#leases.stop();
    await this.#trimming;
    await this.#service?.close();
    this.#streams.close();
    await this.#health?.close();
  }

  #begin(shard: number): void {
    const { nats, jsm, bucket, commits, reads } = this.#connections;
    const { namespace, shards, maxBatch, maxBatchBytes, sweepOverdueMs } = this.#config;
    const subjects = this.#subjects;
    const store = new TrackedShardStore(this.#storeOf(shard));
    const keys = shardKeys(namespace, shard);
    const logger = this.#logger.child({ shard });
    const metrics = this.#metrics;
    const worker = new ShardWorker({
      namespace,
      shard,
      shards,
      subjects,
      store,
      log: natsShardLog(nats, jsm, subjects, shard),
      publisher: natsShardPublisher(nats, this.#streams, subjects, () => this.#eventsAreFull),
      clock: SYSTEM_CLOCK,
      logger,
      metrics,
      maxBatch,
      maxBatchBytes,
      sweepOverdueMs,
      holdsLease: () => this.#leases.holds(shard),
      recover: () =>
        recoverShard({ jsm, subjects, bucket, store, keys, commits, reads, shard, shards, logger, metrics }),
      newCommitId: () => `${this.#id}-${this.#commits++}`,
    });
    this.#shards.set(shard, worker);
    this.#snapshots.own(shard, { store, isRunning: () => worker.status === 'running' });
  }

  #storeOf(shard: number): RedisShardStore {
    const { commits, reads } = this.#connections;
    return new RedisShardStore(commits, reads, shardKeys(this.#config.namespace, shard));
  }

  async #end(shard: number): Promise<void> {
    this.#snapshots.disown(shard);
    const worker = this.#shards.get(shard);
    this.#shards.delete(shard);
    await worker?.stop();
  }

  #startService(connection: NatsConnection): void {
    const handlers = queryHandlers({
      queries: this.#queries,
      redis: this.#connections.reads,
      keys: systemKeys(this.#config.namespace),
      log: () => findStream(this.#connections.jsm, this.#subjects.streams.decisions),
      feeds: this.#feeds,
    });
    this.#service = new QueryService({
      connection,
      subjects: this.#subjects,
      version: VERSION,
      handlers: this.#config.auth ? privatelyAnswered(handlers, this.#queries) : handlers,
      onFault: (name, error) =>
        this.#logger.error({ query: name, err: error }, 'a query could not be answered'),
    });
  }

  async #startSweeping(connection: NatsConnection): Promise<void> {
    const { sweepEveryMs, settings, shards, namespace } = this.#config;
    this.#sweeper = new Sweeper({
      connection,
      streams: this.#streams,
      subjects: this.#subjects,
      queries: this.#queries,
      settings,
      shards,
      outcomeWithinMs: Math.max(2_000, sweepEveryMs * 2),
    });
    this.#schedule = new SweepSchedule({
      sweeper: this.#sweeper,
      redis: {
        queue: this.#connections.bullQueue,
        worker: this.#connections.bullWorker,
        reads: this.#connections.reads,
      },
      keys: systemKeys(namespace),
      everyMs: sweepEveryMs,
      afterSweep: () => this.#trim(),
      logger: this.#logger,
      metrics: this.#metrics,
    });
    await this.#schedule.start();
  }

  /** After a sweep, now and then, by the worker whose turn it was; the next sweep does not wait for it. */
  #trim(): void {
    if (this.#trimming !== undefined || this.#stopping !== undefined) return;
    this.#trimming = this.#trimIfDue()
      .catch((error) => this.#logger.warn({ reason: messageOf(error) }, 'the log could not be trimmed'))
      .finally(() => {
        this.#trimming = undefined;
      });
  }

  async #trimIfDue(): Promise<void> {
    const { trimmed } = systemKeys(this.#config.namespace);
    const everyMs = Math.max(LEAST_TRIM_MS, Math.min(MOST_TRIM_MS, this.#config.snapshotEveryMs));
    if ((await this.#connections.reads.set(trimmed, this.#id, 'PX', everyMs, 'NX')) !== 'OK') return;
    await this.#trimmer.runOnce(Date.now());
  }

  /** What the servers at hand promise: docs/guarantees.md. */
  async #sayDurability(): Promise<void> {
    const { nats, jsm, reads } = this.#connections;
    const log = await findStream(jsm, this.#subjects.streams.decisions);
    if (log === undefined) return;
    const state = await stateDurability(reads);
    const durability = durabilityOf(logDurability(log, nats.info?.version ?? '0'), state);
    if (durability.survives === 'nothing') {
      this.#logger.error({ durability }, 'ALARM: the log is in memory: a restart of the server loses it');
    } else this.#logger.info({ durability }, 'durability of the servers at hand');
  }

  /** State that Redis evicts cannot be trusted: a worker must not run on such a server without saying so. */
  async #checkRedis(): Promise<void> {
    const policy = await this.#connections.reads.config('GET', 'maxmemory-policy').catch(() => undefined);
    const value = Array.isArray(policy) ? policy[1] : undefined;
    if (value !== undefined && value !== 'noeviction') {
      this.#logger.error(
        { policy: value },
        'ALARM: Redis may evict state; set maxmemory-policy to noeviction',
      );
    }
  }

  /** After an outage the log may be another one, or shorter: every reader verifies before it reads on. */
  async #watchConnection(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type !== 'disconnect' && type !== 'reconnect') continue;
      this.#logger.warn({ status: type }, 'NATS connection');
      for (const shard of this.#shards.values()) shard.interrupt(`NATS ${type}`);
    }
  }

  /** An idle shard reads nothing and so would not notice that its log was replaced. */
  #watchLog(jsm: JetStreamManager): void {
    this.#logCheck = setInterval(() => {
      void this.#checkLog(jsm).catch((error) =>
        this.#logger.debug({ reason: messageOf(error) }, 'log not checked'),
      );
    }, LOG_CHECK_MS);
  }

  /** Whoever has left a private pool, or was removed from it, hears no more of it. One worker sees to that for all. */
  #guardFeeds(): void {
    this.#feedCheck = setInterval(() => {
      if (this.#isCheckingFeeds || !this.#leases.holds(0)) return;
      this.#isCheckingFeeds = true;
      void this.#feeds
        .closeForbidden(async (name, pool) => {
          const asker = askerOf(name);
          return asker !== undefined && (await maySee(this.#queries, asker, pool));
        })
        .catch((error) => this.#logger.warn({ reason: messageOf(error) }, 'feeds not checked'))
        .finally(() => {
          this.#isCheckingFeeds = false;
        });
    }, FEED_CHECK_MS);
  }

  async #checkLog(jsm: JetStreamManager): Promise<void> {
    this.#checkEvents(await findStream(jsm, this.#subjects.streams.events));
    // Where the shards stand before the log is asked: under load they are further by the time it answers.
    const running = [...this.#shards.values()].filter(({ status }) => status === 'running');
    const positions = running.map((shard) => ({
      shard,
      position: shard.position ?? 0,
      log: shard.logIdentity,
    }));
    const info = await findStream(jsm, this.#subjects.streams.decisions);
    for (const { shard, position, log } of positions) {
      const isSame = info !== undefined && (log === undefined || info.created === log);
      if (!isSame || info.state.last_seq < position) shard.interrupt('the log is not the one it was');
    }
    if (info !== undefined) await this.#closeFullLog(jsm, info);
  }

  async #closeFullLog(jsm: JetStreamManager, info: StreamInfo): Promise<void> {
    const isFull = await closeWhenNearlyFull(jsm, info);
    if (isFull && !this.#logIsFull) {
      const { bytes } = info.state;
      this.#logger.error(
        { bytes, max: info.config.max_bytes },
        'ALARM: the log is full; it refuses decisions',
      );
    }
    this.#logIsFull = isFull;
  }

  /**
   * A stream that is full refuses one event and takes the next, smaller one: that would break their order. So
   * publishing pauses a little before, the outbox fills, the shards wait, and the log refuses new decisions.
   */
  #checkEvents(info: StreamInfo | undefined): void {
    const isFull = info !== undefined && isNearlyFull(info);
    if (isFull && !this.#eventsAreFull) {
      this.#logger.error(
        { bytes: info.state.bytes, max: info.config.max_bytes },
        'ALARM: the events stream is full; publishing pauses',
      );
    }
    this.#eventsAreFull = isFull;
  }

  #notReady(): string[] {
    const { nats, commits, reads } = this.#connections;
    const reasons: string[] = [];
    if (nats.isClosed()) reasons.push('NATS is closed');
    if (commits.status !== 'ready' || reads.status !== 'ready') reasons.push('Redis is not connected');
    for (const [shard, worker] of this.#shards) {
      if (worker.status === 'halted') reasons.push(`shard ${shard} is halted: ${worker.haltReason ?? ''}`);
      else if (worker.status === 'starting') reasons.push(`shard ${shard} is starting`);
    }
    if (this.#eventsAreFull) reasons.push('the events stream is full');
    if (this.#logIsFull) reasons.push('the log is full');
    if (this.#stopping !== undefined) reasons.push('stopping');
    return reasons;
  }

  #offerFigures(): void {
    const { reads } = this.#connections;
    const { lastSweep } = systemKeys(this.#config.namespace);
    this.#metrics.gauge(
      'converge_shards_held',
      'Shards that this worker holds',
      () => this.#leases.held.length,
    );
    this.#metrics.gauge('converge_live_tasks', 'Unfinished tasks in memory', () =>
      [...this.#shards.values()].reduce((sum, shard) => sum + shard.liveTasks, 0),
    );
    this.#metrics.gauge(
      'converge_last_sweep_age_seconds',
      'Time since the newest sweep that succeeded',
      async () => {
        const json = await reads.get(lastSweep);
        const at: unknown = json === null ? undefined : Reflect.get(JSON.parse(json), 'at');
        return typeof at === 'number' ? (Date.now() - at) / 1_000 : Number.NaN;
      },
    );
  }
}
