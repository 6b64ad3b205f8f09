/** Every connection of one worker process: opened together, closed together, and what their loss means. */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { closeNats, connectNats } from '../../bus/connection.ts';
import { SnapshotBucket } from '../../bus/snapshot-bucket.ts';
import { subjects as subjectsOf } from '../../protocol/subjects.ts';
import {
  connectForBullMq,
  connectForCommits,
  connectForReads,
  keepAsking,
  openRedis,
  type Redis,
} from '../../state/redis.ts';
import { type Config, natsAccess, redisTls } from '../config.ts';

export interface Connections {
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

/** All work of a worker stands on a few connections: that one of them is dead has to be noticed within a lease or two. */
const PING_MS = 1_000;

export async function openConnections(config: Config, id: string): Promise<Connections> {
  const nats = await connectNats({
    ...natsAccess(config),
    pingMs: PING_MS,
    name: `converge-worker ${id}`,
    fallback: { role: 'worker', name: id.replace(/[^A-Za-z0-9_-]/g, '-') },
  });
  const tls = redisTls(config);
  const redis: Redis[] = [];
  const opened = async (connection: Redis): Promise<Redis> => {
    redis.push(connection);
    keepAsking(connection, PING_MS);
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

export async function closeConnections({
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

/** Why the connections do not carry the work at this moment; empty when they do. */
export function notConnected({ nats, commits, reads }: Connections): string[] {
  const reasons: string[] = [];
  if (nats.isClosed()) reasons.push('NATS is closed');
  if (commits.status !== 'ready' || reads.status !== 'ready') reasons.push('Redis is not connected');
  return reasons;
}

/** Disconnecting what has ended already would leave a timer of ioredis behind. */
function disconnect(redis: Redis): void {
  if (redis.status !== 'end') redis.disconnect();
}
