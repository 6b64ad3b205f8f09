/** The users that `converge auth` makes for Redis: a whole system works as them, and they can do nothing else. */
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { REDIS_BULLMQ, REDIS_WORKER, redisAcl, redisUrlAs } from '../../src/auth/redis-acl.ts';
import { BiddingProtocol, Consensus, ConvergeClient, PoolManager, TaskManager } from '../../src/index.ts';
import { NotAuthorizedError } from '../../src/lib/errors.ts';
import type { Servers } from '../../src/servers/index.ts';
import { stateDigest } from '../../src/state/digest.ts';
import { connectForReads, openRedis } from '../../src/state/redis.ts';
import { type Config, parseConfig } from '../../src/workers/config.ts';
import { startWorker } from '../../src/workers/process/worker.ts';
import { rebuild } from '../../src/workers/snapshots/rebuild.ts';
import { OwnSystem } from '../../verify/kit/system/own-system.ts';
import { untilMetrics } from '../support/metrics.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 300_000 });

const PASSWORDS = { worker: 'worker-password', bullmq: 'bullmq-password' };
const NAMESPACE = 'acl';
let system: OwnSystem;
let servers: Servers;
let admin: Redis;
let config: Config;

beforeAll(async () => {
  system = await OwnSystem.start({
    name: 'acl',
    env: process.env,
    redis: {
      // One more than the file has, for the test to see what was refused.
      acl: `${redisAcl(NAMESPACE, PASSWORDS)}user admin on nopass ~* &* +@all\n`,
      user: { name: REDIS_WORKER, password: PASSWORDS.worker },
    },
  });
  servers = system.servers;
  admin = new Redis(redisUrlAs(servers.redis.url, 'admin', 'any'));
  config = parseConfig({
    namespace: NAMESPACE,
    natsUrl: servers.nats.url,
    redisUrl: redisUrlAs(servers.redis.url, REDIS_WORKER, PASSWORDS.worker),
    bullRedisUrl: redisUrlAs(servers.redis.url, REDIS_BULLMQ, PASSWORDS.bullmq),
    shards: 2,
    leaseMs: 1_000,
    sweepEveryMs: 100,
    httpPort: 0,
    snapshotEveryMs: 1_000,
    snapshotEveryDecisions: 1,
    logMaxBytes: 64 * 1024 * 1024,
    eventsMaxBytes: 64 * 1024 * 1024,
  });
});
afterAll(async () => {
  admin.disconnect();
  await system.stop();
});

/** What Redis has refused to anyone so far. */
async function refusals(): Promise<string[]> {
  const log: unknown = await admin.call('ACL', 'LOG', '100');
  if (!Array.isArray(log)) throw new Error('ACL LOG answers a list');
  return log.map((entry: unknown) => {
    const fields = Array.isArray(entry) ? entry.map(String) : [];
    const field = (name: string): string => fields[fields.indexOf(name) + 1] ?? '';
    return `${field('username')}: ${field('reason')} ${field('object')}`;
  });
}

it('everything that a system does is allowed: work, expiry, sweeps, takeover, queries, digest and rebuild', async () => {
  const logger = pino({ level: 'silent' });
  const first = await startWorker({ ...config, workerId: 'first' }, { logger });
  const ann = await ConvergeClient.connect({
    agent: 'ann',
    url: servers.nats.url,
    namespace: NAMESPACE,
    shards: 2,
  });
  const [pools, tasks] = [new PoolManager(ann), new TaskManager(ann)];
  const [bidding, consensus] = [new BiddingProtocol(ann), new Consensus(ann)];
  const pool = 'press';
  await pools.createPool(pool);
  await pools.joinPool(pool, { capabilities: ['reading'], presenceMs: 60_000 });
  for (const taskId of ['done', 'failed', 'cancelled', 'released', 'expiring']) {
    await tasks.submit({ taskId, objective: 'x', requiredCapabilities: ['reading'] }, { pool });
    if (taskId === 'cancelled') continue;
    await tasks.claim(taskId, { pool, ...(taskId === 'expiring' ? { claimTtlMs: 1_000 } : {}) });
  }
  await tasks.report('done', 'fine', { pool });
  await tasks.failTask('failed', 'because', { pool, retryable: false });
  await tasks.cancelTask('cancelled', { pool });
  await tasks.release('released', { pool });
  const closesAt = Date.now() + 1_000;
  await bidding.open({ kind: 'english', closesAt }, { pool });
  await consensus.openVote(
    { question: 'which?', options: ['a', 'b'], method: 'plurality', closesAt },
    { pool },
  );
  await until(
    'the claim to expire',
    async () => (await tasks.getTask('expiring', { pool }))?.state === 'pending',
  );
  await tasks.listPendingTasks(pool);
  await ann.query('stats', { pool });
  await ann.query('members', { pool });
  await ann.query('auctions', { pool });
  await untilMetrics(first, /converge_sweeps_total\{result="succeeded"\} [1-9]/);

  const second = await startWorker({ ...config, workerId: 'second' }, { logger });
  await first.stop();
  await until(
    'the other worker to have all shards',
    () => second.shards.length === 2 && second.notReady().length === 0,
  );
  await tasks.claim('released', { pool });
  await pools.leavePool(pool);
  await ann.close();
  await second.stop();

  const reads = await openRedis(connectForReads(config.redisUrl));
  const digest = await stateDigest(reads, NAMESPACE, 2);
  reads.disconnect();
  expect((await rebuild(config, { force: true })).digest).toBe(digest);
  expect(await refusals()).toEqual([]);
});

it.each([
  [REDIS_WORKER, 'worker', ['FLUSHALL']],
  [REDIS_WORKER, 'worker', ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru']],
  [REDIS_WORKER, 'worker', ['KEYS', '*']],
  [REDIS_WORKER, 'worker', ['ACL', 'LIST']],
  [REDIS_WORKER, 'worker', ['SHUTDOWN']],
  [REDIS_WORKER, 'worker', ['REPLICAOF', '127.0.0.1', '1']],
  [REDIS_WORKER, 'worker', ['MONITOR']],
  [REDIS_WORKER, 'worker', ['PUBLISH', 'channel', 'x']],
  [REDIS_WORKER, 'worker', ['GET', 'other:{0}:s:meta']],
  [REDIS_WORKER, 'worker', ['GET', `{${NAMESPACE}:bull}:sweep:meta`]],
  [REDIS_WORKER, 'worker', ['EVAL', "return redis.call('get', KEYS[1])", '1', 'other']],
  [REDIS_BULLMQ, 'bullmq', ['FLUSHALL']],
  [REDIS_BULLMQ, 'bullmq', ['HGET', `${NAMESPACE}:{0}:s:meta`, 'seq']],
  [REDIS_BULLMQ, 'bullmq', ['SET', `${NAMESPACE}:{0}:r:lease`, 'mine']],
  [REDIS_BULLMQ, 'bullmq', ['CONFIG', 'GET', '*']],
] as const)('%s (%s) may not %j', async (user, who, [command, ...args]) => {
  const redis = new Redis(redisUrlAs(servers.redis.url, user, PASSWORDS[who]), { lazyConnect: true });
  redis.on('error', () => undefined);
  await openRedis(redis);
  await expect(redis.call(command, ...args)).rejects.toThrow('NOPERM');
  redis.disconnect();
});

it('nobody gets in without a name, or with a wrong password', async () => {
  for (const url of [servers.redis.url, redisUrlAs(servers.redis.url, REDIS_WORKER, 'wrong')]) {
    await expect(openRedis(connectForReads(url))).rejects.toThrow(NotAuthorizedError);
  }
});
