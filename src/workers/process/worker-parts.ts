/** Parts of a worker process, made of its configuration and its connections: what each of them is given. */
import type { Logger } from 'pino';
import type { EventFeeds } from '../../bus/event-feeds.ts';
import { NatsTrimMarks } from '../../bus/nats-trim-marks.ts';
import { QueryService } from '../../bus/query-service.ts';
import { findStream } from '../../bus/streams.ts';
import { VERSION } from '../../lib/version.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { type SystemKeys, shardKeys } from '../../state/keys.ts';
import { workerNameOf } from '../../state/lease.ts';
import type { StateQueries } from '../../state/queries.ts';
import type { Config } from '../config.ts';
import type { Alarms } from '../health/alarms.ts';
import type { WorkerMetrics } from '../health/metrics.ts';
import type { PoolSight } from '../queries/pool-sight.ts';
import { privatelyAnswered } from '../queries/query-access.ts';
import { queryHandlers } from '../queries/query-handlers.ts';
import { logStamp } from '../shard/nats-ports.ts';
import { SYSTEM_CLOCK } from '../shard/ports.ts';
import { LogTrimmer } from '../snapshots/log-trimmer.ts';
import { natsTrimPorts } from '../snapshots/nats-trim-ports.ts';
import { SnapshotKeeper } from '../snapshots/snapshot-keeper.ts';
import type { TrimPorts } from '../snapshots/trim-ports.ts';
import { TrimTurns } from '../snapshots/trim-turns.ts';
import { TrueTime } from '../time/true-time.ts';
import { workerClocks } from '../time/worker-clocks.ts';
import type { Connections } from './connections.ts';
import { type HealthServer, startHealthServer } from './health-server.ts';
import type { LeaseHolder } from './leases.ts';
import { alarmsOfAll } from './told-alarms.ts';

/** What every part may need. */
export interface Making {
  readonly config: Config;
  readonly id: string;
  readonly connections: Connections;
  readonly subjects: Subjects;
  readonly keys: SystemKeys;
  readonly alarms: Alarms;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
}

/** After this time the unfinished snapshot of a dead writer is certainly abandoned. */
const ORPHANS_OLDER_THAN_MS = 60 * 60 * 1_000;

export function trueTimeOf(
  { config, connections, subjects, keys, alarms, logger }: Making,
  holder: string,
  held: () => LeaseHolder,
): TrueTime {
  const { nats, jsm, leases } = connections;
  const others = workerClocks({
    redis: leases,
    redisUrl: config.redisUrl,
    nats,
    acceptedKey: keys.clockAccepted,
    holder,
    heartbeats: () => held().heartbeats,
    listen: () => held().listen(),
    logStamp: () => logStamp(nats, jsm, subjects, held().held[0] ?? 0),
  });
  return new TrueTime({ clock: SYSTEM_CLOCK, others, alarms, logger });
}

export function queryServiceOf(
  { config, id, connections, subjects, keys, alarms, logger }: Making,
  parts: {
    readonly queries: StateQueries;
    readonly sight: PoolSight;
    readonly feeds: EventFeeds;
    readonly leases: LeaseHolder;
  },
): QueryService {
  const { nats, jsm, reads } = connections;
  const { queries, sight, feeds, leases } = parts;
  const handlers = queryHandlers({
    queries,
    redis: reads,
    keys,
    logs: () => Promise.all(subjects.logStreams.map((name) => findStream(jsm, name))),
    feeds,
    liveWorkers: () => leases.live.map(workerNameOf),
    alarms: () => alarmsOfAll(leases, alarms),
  });
  return new QueryService({
    connection: nats,
    subjects,
    version: VERSION,
    handlers: config.auth ? privatelyAnswered(handlers, sight) : handlers,
    areNamesProven: config.auth,
    status: () => ({ namespace: config.namespace, worker: id, alarms: alarms.told() }),
    onFault: (name, error) => logger.error({ query: name, err: error }, 'could not answer a query'),
  });
}

export function snapshotKeeperOf(
  { config, connections, subjects, logger, metrics }: Making,
  time: TrueTime,
): SnapshotKeeper {
  const { namespace, shards, snapshotEveryMs, snapshotEveryDecisions } = config;
  return new SnapshotKeeper({
    bucket: connections.bucket,
    redis: connections.snapshots,
    marks: new NatsTrimMarks(connections.jsm, subjects),
    namespace,
    shards,
    keysOf: (shard) => shardKeys(namespace, shard),
    everyMs: snapshotEveryMs,
    everyDecisions: snapshotEveryDecisions,
    now: () => time.now(),
    logger,
    metrics,
  });
}

export function trimTurnsOf(
  { config, id, connections, subjects, keys, logger, metrics }: Making,
  progressOf: TrimPorts['progressOf'],
): TrimTurns {
  const { jsm, bucket, reads } = connections;
  const { shards, logRetentionMs, snapshotEveryMs } = config;
  const trimmer = new LogTrimmer({
    ports: natsTrimPorts({ jsm, subjects, bucket, progressOf }),
    shards,
    logRetentionMs,
    removeOrphans: () => bucket.removeOrphans(shards, Date.now(), ORPHANS_OLDER_THAN_MS),
    logger,
    metrics,
  });
  return new TrimTurns({ trimmer, redis: reads, key: keys.trimmed, workerId: id, snapshotEveryMs, logger });
}

/** Undefined where it is switched off. */
export async function healthServerOf(
  { config, metrics }: Making,
  notReady: () => readonly string[],
): Promise<HealthServer | undefined> {
  const { httpPort, httpHost, httpToken, httpHosts } = config;
  if (httpPort < 0) return undefined;
  return await startHealthServer({
    port: httpPort,
    host: httpHost,
    token: httpToken,
    hosts: httpHosts,
    registry: metrics.registry,
    notReady,
  });
}
