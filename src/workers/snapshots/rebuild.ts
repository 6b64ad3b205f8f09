/**
 * Makes the state again, from the newest good snapshots and the rest of the log, into a Redis that holds none: what an
 * operator does after losing Redis without wanting everything published again. Publishes nothing; no worker may run
 * meanwhile.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection, nuid } from 'nats';
import { type Logger, pino } from 'pino';
import { closeNats, connectNats } from '../../bus/connection.ts';
import type { Layout } from '../../bus/layout.ts';
import { SnapshotBucket } from '../../bus/snapshot-bucket.ts';
import { findLayout } from '../../bus/streams.ts';
import { ConfigurationError } from '../../lib/errors.ts';
import { sleep } from '../../lib/timers.ts';
import { subjects as subjectsOf } from '../../protocol/subjects.ts';
import { clearState, holdsState, stateDigest } from '../../state/digest.ts';
import { shardKeys } from '../../state/keys.ts';
import { liveWorkers } from '../../state/live-workers.ts';
import { connectForCommits, connectForReads, openRedis, type Redis } from '../../state/redis.ts';
import { RedisShardStore } from '../../state/redis-shard-store.ts';
import { type Config, natsAccess, redisTls } from '../config.ts';
import { Alarms } from '../health/alarms.ts';
import { WorkerMetrics } from '../health/metrics.ts';
import { lastSeqOf, natsShardLog } from '../shard/nats-ports.ts';
import { type ShardPublisher, SYSTEM_CLOCK } from '../shard/ports.ts';
import { ShardWorker } from '../shard/shard-worker.ts';
import { type Recovered, recoverShard } from './recover-shard.ts';

export interface Rebuilt {
  readonly shards: readonly RebuiltShard[];
  /** {@link stateDigest} of the result. */
  readonly digest: string;
}

export interface RebuiltShard {
  readonly shard: number;
  readonly position: number;
  /** The source: the `log` from its beginning, or a snapshot at this position and the log from there. */
  readonly from: 'log' | { readonly snapshot: string; readonly position: number };
}

export interface RebuildOptions {
  readonly logger?: Logger;
  /** Remove what the store holds first. */
  readonly force?: boolean;
  /** Do without snapshots: possible as long as nothing was trimmed from the log. */
  readonly fromLog?: boolean;
}

const CHECK_MS = 20;

/** Nothing is published: subscribers have seen all of it. */
const SILENT: ShardPublisher = {
  result: () => undefined,
  packs: async () => undefined,
  deadLetter: async () => undefined,
  flush: async () => undefined,
  sweep: async () => undefined,
  settle: async () => undefined,
};

export async function rebuild(
  config: Config,
  { logger, force, fromLog }: RebuildOptions = {},
): Promise<Rebuilt> {
  const nats = await connectNats({ ...natsAccess(config), name: 'converge-rebuild' });
  const tls = redisTls(config);
  const commits = connectForCommits(config.redisUrl, { tls });
  const reads = connectForReads(config.redisUrl, { tls });
  try {
    await openRedis(commits);
    await openRedis(reads);
    const layout = await findLayout(await jetstreamManager(nats), subjectsOf(config.namespace));
    if (layout === undefined)
      throw new ConfigurationError(`there is no log in namespace ${config.namespace}`);
    await refuseIfInUse(reads, config, layout, force ?? false);
    const shards: RebuiltShard[] = [];
    const isFromLog = fromLog ?? false;
    for (let shard = 0; shard < layout.shards; shard++) {
      shards.push(await replayShard({ config, nats, commits, reads, layout, shard, logger, isFromLog }));
    }
    return { shards, digest: await stateDigest(reads, config.namespace, layout.shards) };
  } finally {
    commits.disconnect();
    reads.disconnect();
    await closeNats(nats);
  }
}

async function refuseIfInUse(redis: Redis, config: Config, layout: Layout, force: boolean): Promise<void> {
  const [worker] = await liveWorkers(redis, config.namespace, { one: true });
  if (worker !== undefined)
    throw new ConfigurationError(`worker ${worker} is running: stop all workers first`);
  if (!(await holdsState(redis, config.namespace, layout.shards))) return;
  if (!force) throw new ConfigurationError('Redis already holds a state; pass --force to remove it first');
  await clearState(redis, config.namespace, layout.shards);
}

interface Replay {
  readonly config: Config;
  readonly nats: NatsConnection;
  readonly commits: Redis;
  readonly reads: Redis;
  readonly layout: Layout;
  readonly shard: number;
  readonly logger: Logger | undefined;
  readonly isFromLog: boolean;
}

/** Runs the shard's own worker up to the last message that the log holds now; answers where that is. */
async function replayShard(replay: Replay): Promise<RebuiltShard> {
  const { config, nats, commits, reads, layout, shard, isFromLog } = replay;
  const jsm = await jetstreamManager(nats);
  const subjects = subjectsOf(config.namespace, layout.logs.length);
  const end = await lastSeqOf(jsm, subjects, shard);
  if (end === 0) return { shard, position: 0, from: 'log' };
  const keys = shardKeys(config.namespace, shard);
  const store = new RedisShardStore(commits, reads, keys);
  const logger = (replay.logger ?? pino({ level: 'warn' }, pino.destination(2))).child({ shard });
  const metrics = new WorkerMetrics();
  const bucket = await SnapshotBucket.open(nats, jsm, subjects);
  let recovered: Recovered;
  let commitCount = 0;
  const worker = new ShardWorker({
    namespace: config.namespace,
    shard,
    shards: layout.shards,
    subjects,
    store,
    log: natsShardLog(nats, jsm, subjects, shard),
    publisher: SILENT,
    clock: { ...SYSTEM_CLOCK, now: () => 0 },
    logger,
    metrics,
    alarms: new Alarms({ logger, clock: SYSTEM_CLOCK }),
    maxBatch: config.maxBatch,
    maxBatchBytes: config.maxBatchBytes,
    sweepOverdueMs: Number.MAX_SAFE_INTEGER,
    holdsLease: () => true,
    recover: async () => {
      if (isFromLog) return;
      const { shards } = layout;
      const parts = { jsm, subjects, bucket, store, keys, commits, reads, shard, shards, logger, metrics };
      recovered = (await recoverShard(parts)) ?? recovered;
    },
    newCommitId: () => `rebuild-${nuid.next()}-${commitCount++}`,
  });
  try {
    while ((worker.position ?? 0) < end) {
      if (worker.status === 'halted')
        throw new ConfigurationError(`shard ${shard}: ${worker.haltReason ?? ''}`);
      await sleep(CHECK_MS);
    }
  } finally {
    await worker.stop();
  }
  return { shard, position: end, from: recovered ?? 'log' };
}
