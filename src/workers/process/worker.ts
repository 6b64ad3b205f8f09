/**
 * One worker process: what it starts, in which order, and how it stops. It connects, takes its share of the shards,
 * sweeps when it is its turn, answers queries.
 */
import { nuid } from 'nats';
import { type Logger, pino } from 'pino';
import { lossOf } from '../../bus/connection-loss.ts';
import { EventFeeds } from '../../bus/event-feeds.ts';
import type { Layout } from '../../bus/layout.ts';
import type { QueryService } from '../../bus/query-service.ts';
import { StreamPublisher } from '../../bus/stream-publisher.ts';
import { ensureStreams } from '../../bus/streams.ts';
import type { ConvergeError } from '../../lib/errors.ts';
import { withResolvers } from '../../lib/with-resolvers.ts';
import { within } from '../../lib/within.ts';
import { type Subjects, subjects as subjectsOf } from '../../protocol/subjects.ts';
import { type SystemKeys, shardKeys, systemKeys } from '../../state/keys.ts';
import { leaseHolderOf } from '../../state/lease.ts';
import { redisLeaseStore } from '../../state/lease-store.ts';
import { PoolStandings } from '../../state/pool-standings.ts';
import { StateQueries } from '../../state/queries.ts';
import { RedisShardStore } from '../../state/redis-shard-store.ts';
import { redisTakenStore } from '../../state/taken-store.ts';
import type { Config } from '../config.ts';
import { Alarms, isClockAlarm } from '../health/alarms.ts';
import { WorkerMetrics } from '../health/metrics.ts';
import { heapLimitBytes, MemoryWatch } from '../memory/memory-watch.ts';
import { Quarantine } from '../memory/quarantine.ts';
import { FeedGuard } from '../queries/feed-guard.ts';
import { PoolSight } from '../queries/pool-sight.ts';
import { lastSeqOf } from '../shard/nats-ports.ts';
import { SYSTEM_CLOCK } from '../shard/ports.ts';
import { StallWatch } from '../shard/stall-watch.ts';
import { knownLog } from '../snapshots/known-log.ts';
import { MarkWatch } from '../snapshots/mark-watch.ts';
import type { SnapshotKeeper } from '../snapshots/snapshot-keeper.ts';
import type { TrimTurns } from '../snapshots/trim-turns.ts';
import { SweepSchedule } from '../sweep/sweep-schedule.ts';
import { Sweeper } from '../sweep/sweeper.ts';
import { whereIs } from '../time/machine.ts';
import type { TrueTime } from '../time/true-time.ts';
import { type Connections, closeConnections, notConnected, openConnections } from './connections.ts';
import type { HealthServer } from './health-server.ts';
import { LeaseHolder } from './leases.ts';
import { OwnedShards } from './owned-shards.ts';
import { REFUSED_MS, Refusals } from './refusals.ts';
import { checkEviction, checkPayload, sayDurability, sayFaultForAgents } from './server-checks.ts';
import { SettingsWatch } from './settings-watch.ts';
import { StreamWatch } from './stream-watch.ts';
import { heartbeatAlarms } from './told-alarms.ts';
import {
  healthServerOf,
  type Making,
  queryServiceOf,
  snapshotKeeperOf,
  trimTurnsOf,
  trueTimeOf,
} from './worker-parts.ts';

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
  /**
   * Resolves when it has stopped: with the reason when it did so by itself, because the NATS server no longer accepts its
   * credentials. It would hold shards that it cannot work on, and keep them from others.
   */
  readonly ended: Promise<ConvergeError | undefined>;
}

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

class WorkerProcess {
  readonly #config: Config;
  readonly #id: string;
  readonly #holder: string;
  readonly #logger: Logger;
  readonly #connections: Connections;
  readonly #subjects: Subjects;
  readonly #keys: SystemKeys;
  readonly #metrics = new WorkerMetrics();
  readonly #alarms: Alarms;
  readonly #making: Making;
  readonly #streams: StreamPublisher;
  readonly #queries: StateQueries;
  readonly #sight: PoolSight;
  readonly #feeds: EventFeeds;
  readonly #watch: StreamWatch;
  readonly #guard: FeedGuard;
  readonly #stalls: StallWatch;
  readonly #memory: MemoryWatch;
  readonly #snapshots: SnapshotKeeper;
  readonly #quarantine: Quarantine;
  readonly #refusals: Refusals;
  readonly #shards: OwnedShards;
  readonly #leases: LeaseHolder;
  readonly #time: TrueTime;
  readonly #trims: TrimTurns;
  readonly #marks: MarkWatch;
  readonly #settings: SettingsWatch;
  #sweeper: Sweeper | undefined;
  #schedule: SweepSchedule | undefined;
  #service: QueryService | undefined;
  #health: HealthServer | undefined;
  #stopping: Promise<void> | undefined;
  #loss: ConvergeError | undefined;
  readonly #ended = withResolvers<ConvergeError | undefined>();

  constructor(config: Config, id: string, logger: Logger, connections: Connections) {
    this.#config = config;
    this.#id = id;
    this.#logger = logger;
    this.#connections = connections;
    this.#alarms = new Alarms({ logger, clock: SYSTEM_CLOCK, registry: this.#metrics.registry });
    this.#subjects = subjectsOf(config.namespace, config.logStreams);
    this.#keys = systemKeys(config.namespace);
    this.#making = {
      ...{ config, id, connections, logger, alarms: this.#alarms, metrics: this.#metrics },
      ...{ subjects: this.#subjects, keys: this.#keys },
    };
    this.#streams = new StreamPublisher(connections.nats);
    this.#queries = new StateQueries(connections.reads, config.namespace, config.shards);
    this.#sight = new PoolSight(new PoolStandings(connections.reads, config.namespace, config.shards));
    this.#feeds = new EventFeeds(connections.nats, connections.jsm, this.#subjects, config.shards);
    this.#watch = new StreamWatch({
      connection: connections.nats,
      jsm: connections.jsm,
      subjects: this.#subjects,
      shards: () => this.#shards.entries(),
      logger,
      alarms: this.#alarms,
    });
    this.#stalls = new StallWatch({
      shards: () => this.#shards.entries(),
      lastSeqOf: (shard) => lastSeqOf(connections.jsm, this.#subjects, shard),
      alarms: this.#alarms,
      othersWork: () => this.#leases.othersWork,
      giveBack: (shard) => void this.#leases.refuse(shard, REFUSED_MS),
      clock: SYSTEM_CLOCK,
      logger,
    });
    this.#guard = new FeedGuard({
      feeds: this.#feeds,
      sight: this.#sight,
      isOurs: () => this.#leases.holds(0),
      logger,
    });
    this.#memory = new MemoryWatch({
      streams: this.#streams,
      subjects: this.#subjects,
      shards: () => this.#shards.memory,
      logger,
      metrics: this.#metrics,
    });
    this.#holder = leaseHolderOf(id, nuid.next());
    this.#time = trueTimeOf(this.#making, this.#holder, () => this.#leases);
    this.#snapshots = snapshotKeeperOf(this.#making, this.#time);
    this.#quarantine = new Quarantine({
      store: redisTakenStore(connections.leases, (shard) => shardKeys(config.namespace, shard), this.#keys),
      holder: this.#holder,
      alarms: this.#alarms,
      logger,
    });
    this.#refusals = new Refusals({ leases: () => this.#leases, alarms: this.#alarms });
    this.#shards = new OwnedShards({
      config,
      holder: this.#holder,
      connections,
      subjects: this.#subjects,
      streams: this.#streams,
      storeOf: (shard, onPiece) => this.#storeOf(shard, onPiece),
      snapshots: this.#snapshots,
      holdsLease: (shard) => this.#leases.holds(shard),
      time: this.#time,
      eventsAreFull: (shard) => this.#watch.areEventsFull(shard),
      logger,
      metrics: this.#metrics,
      alarms: this.#alarms,
      worked: (shard) => this.#quarantine.worked(shard),
      refuse: (shard, why) => this.#refusals.refuse(shard, why),
    });
    this.#leases = this.#leaseHolder();
    this.#trims = trimTurnsOf(this.#making, (shard) => this.#storeOf(shard).progress());
    this.#settings = new SettingsWatch({
      redis: connections.reads,
      key: this.#keys.settings,
      worker: this.#holder,
      config,
      alarms: this.#alarms,
      logger,
    });
    this.#marks = new MarkWatch({
      jsm: connections.jsm,
      subjects: this.#subjects,
      held: () => this.#leases.held,
      alarms: this.#alarms,
      logger,
    });
  }

  async start(): Promise<RunningWorker> {
    const { nats, jsm, reads } = this.#connections;
    checkPayload(nats);
    const { shards } = this.#config;
    const layout = await ensureStreams(jsm, this.#subjects, shards, this.#config, (some) =>
      this.#knownLog(some),
    );
    await checkEviction(reads, this.#alarms);
    if (this.#config.auth) sayFaultForAgents(nats, this.#logger);
    this.#watch.start();
    this.#stalls.start();
    this.#marks.start();
    if (this.#config.auth) this.#guard.start();
    this.#memory.start();
    this.#service = queryServiceOf(this.#making, {
      queries: this.#queries,
      sight: this.#sight,
      feeds: this.#feeds,
      leases: this.#leases,
    });
    await this.#time.start();
    await this.#settings.start();
    await this.#startSweeping();
    await this.#leases.start();
    this.#snapshots.start();
    this.#offerFigures();
    this.#health = await healthServerOf(this.#making, () => this.#notReady());
    await sayDurability(this.#connections, this.#subjects, this.#logger, this.#alarms);
    this.#logger.info(
      { health: this.#health?.url, shards: layout.shards, logs: layout.logs },
      'worker started',
    );
    void lossOf(nats).then((why) => this.#end(why));
    return this.#handle(layout);
  }

  async #knownLog(shards: readonly number[]): Promise<string | undefined> {
    const storeOf = (shard: number) => this.#storeOf(shard);
    return await knownLog({ storeOf, bucket: this.#connections.bucket, shards });
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  #end(why: ConvergeError | undefined): void {
    if (why === undefined || this.#stopping !== undefined) return;
    this.#logger.fatal({ reason: why.message }, 'the worker stops: NATS no longer lets it in');
    this.#loss = why;
    void this.stop();
  }

  async #stop(): Promise<void> {
    this.#logger.info('worker is stopping');
    this.#watch.close();
    this.#stalls.close();
    this.#marks.close();
    this.#guard.close();
    this.#memory.close();
    await within(this.#config.shutdownMs, this.#stopAll(), () =>
      this.#logger.error('could not stop everything in time: leases lapse by themselves'),
    );
    await closeConnections(this.#connections);
    this.#logger.info('worker stopped');
    this.#ended.resolve(this.#loss);
  }

  async #stopAll(): Promise<void> {
    this.#leases.takeNoMore();
    await this.#settings.close();
    // First of all, so that the sweep that is awaited next starts no further trimming.
    const trimmed = this.#trims.close();
    await this.#schedule?.close();
    this.#sweeper?.close();
    await this.#snapshots.close();
    await this.#leases.stop();
    await trimmed;
    await this.#service?.close();
    this.#time.close();
    this.#streams.close();
    await this.#health?.close();
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
      ended: this.#ended.promise,
    };
  }

  #notReady(): string[] {
    return [
      ...notConnected(this.#connections),
      ...this.#shards.notReady(),
      ...this.#alarms.notReady(),
      ...(this.#stopping === undefined ? [] : ['stopping']),
    ];
  }

  #areClocksRight(): boolean {
    return this.#time.now() !== undefined && !this.#alarms.active.some(({ alarm }) => isClockAlarm(alarm));
  }

  #offerFigures(): void {
    this.#metrics.gauge(
      'converge_shards_held',
      'Shards that this worker owns',
      () => this.#leases.held.length,
    );
    this.#metrics.offerSkews(() => this.#time.skews);
    this.#metrics.gauge('converge_live_tasks', 'Unfinished tasks in memory', () => this.#shards.liveTasks);
  }

  async #startSweeping(): Promise<void> {
    const { nats, reads, bullQueue, bullWorker } = this.#connections;
    const { sweepEveryMs, settings, shards } = this.#config;
    this.#sweeper = new Sweeper({
      connection: nats,
      streams: this.#streams,
      subjects: this.#subjects,
      queries: this.#queries,
      settings,
      areSettingsAgreed: () => this.#settings.isAgreed,
      heapBytes: heapLimitBytes(),
      shards,
      time: this.#time,
      outcomeWithinMs: Math.max(2_000, sweepEveryMs * 2),
    });
    this.#schedule = new SweepSchedule({
      sweeper: this.#sweeper,
      redis: { queue: bullQueue, worker: bullWorker, reads },
      keys: this.#keys,
      everyMs: sweepEveryMs,
      time: this.#time,
      // Age decides what may be trimmed: while a clock is wrong nothing is trimmed.
      afterSweep: () => this.#areClocksRight() && this.#trims.offer(),
      logger: this.#logger,
      metrics: this.#metrics,
    });
    await this.#schedule.start();
  }

  #leaseHolder(): LeaseHolder {
    const { namespace, shards, leaseMs } = this.#config;
    return new LeaseHolder({
      store: redisLeaseStore({
        redis: this.#connections.leases,
        shardKeys: (shard) => shardKeys(namespace, shard),
        systemKeys: this.#keys,
        holder: this.#holder,
        leaseMs,
        about: () => ({
          wall: SYSTEM_CLOCK.now(),
          ...whereIs(),
          skews: this.#time.skews,
          alarms: heartbeatAlarms(this.#alarms),
          works: this.#stalls.works,
          leaves: this.#leases.left,
        }),
      }),
      holder: this.#holder,
      shards,
      leaseMs,
      clock: SYSTEM_CLOCK,
      random: Math.random,
      logger: this.#logger,
      alarms: this.#alarms,
      quarantine: this.#quarantine,
      onAcquired: (shard) => this.#shards.begin(shard),
      onReleased: (shard) => this.#shards.end(shard),
    });
  }

  #storeOf(shard: number, onPiece?: () => void): RedisShardStore {
    const { commits, reads } = this.#connections;
    return new RedisShardStore(commits, reads, shardKeys(this.#config.namespace, shard), onPiece);
  }
}
