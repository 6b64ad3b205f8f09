/** The job queues that people use, each as its documentation advises for throughput. */

import type { Postgres } from '../support/postgres.ts';
import type { BenchServers } from '../support/servers.ts';
import { QueueSystem } from './queue.ts';
import type { Checks } from './side.ts';

const DEFAULT_CONCURRENCY = 200;

export async function startBullmq(servers: BenchServers, checks: Checks): Promise<QueueSystem> {
  return await QueueSystem.start({
    name: 'bullmq',
    title: 'BullMQ, addBulk by 1,000',
    guarantees:
      'at least once; each job is in Redis before and while it runs; a bounded history of completed jobs; no log',
    entry: 'bullmq',
    url: servers.redis.url,
    servers: () => ({ redis: [servers.redis.pid] }),
    concurrency: DEFAULT_CONCURRENCY,
    checks,
  });
}

/** The same, doing as much as ours does: whoever added a job is told what became of it. */
export async function startBullmqTold(servers: BenchServers, checks: Checks): Promise<QueueSystem> {
  return await QueueSystem.start({
    name: 'bullmq-told',
    title: 'BullMQ, and QueueEvents for the producer',
    guarantees: 'those of bullmq; the producer hears of each completed job, from a bounded stream of events',
    entry: 'bullmq',
    url: servers.redis.url,
    servers: () => ({ redis: [servers.redis.pid] }),
    concurrency: DEFAULT_CONCURRENCY,
    told: true,
    checks,
  });
}

export async function startBeeQueue(servers: BenchServers, checks: Checks): Promise<QueueSystem> {
  return await QueueSystem.start({
    name: 'bee-queue',
    title: 'bee-queue, saveAll by 1,000',
    guarantees: 'at least once; each job is in Redis before and while it runs; no history, no events',
    entry: 'bee-queue',
    url: servers.redis.url,
    servers: () => ({ redis: [servers.redis.pid] }),
    concurrency: DEFAULT_CONCURRENCY,
    checks,
  });
}

export async function startPgBoss(postgres: Postgres, checks: Checks): Promise<QueueSystem> {
  return await QueueSystem.start({
    name: 'pg-boss',
    title: 'pg-boss, insert by 1,000, fetch by 200',
    guarantees:
      'at least once; jobs are rows that stay after completion; PostgreSQL with synchronous_commit off',
    entry: 'pg-boss',
    url: postgres.url,
    servers: () => ({ postgres: postgres.pids() }),
    concurrency: DEFAULT_CONCURRENCY,
    checks,
  });
}
