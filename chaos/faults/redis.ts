/** Faults of Redis. */
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../src/errors.ts';
import { limitFileSize } from '../system/redis-wrapper.ts';
import { type Fault, SkippedFault } from './fault.ts';

const HELD_MS = 1_500;
const RECOVERS_WITHIN_MS = 20_000;
/** What was lost is made again from the log, and the longer that is, the longer it takes. */
const REBUILDS_WITHIN_MS = 45_000;

const killed: Fault = {
  kind: 'redis-kill',
  concern: 'redis',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  stopsSweeps: true,
  async inject({ system: { redis }, random }) {
    await redis.kill('SIGKILL');
    await delay(random.integer(1_000));
    await redis.restart();
    return Date.now();
  },
};

const restored: Fault = {
  kind: 'redis-restored',
  recoversWithinMs: REBUILDS_WITHIN_MS,
  stopsSweeps: true,
  async inject({ system }) {
    const copy = await system.copyOf(system.redis);
    await delay(HELD_MS);
    await system.restore(system.redis, copy);
    return Date.now();
  },
};

const flushed: Fault = {
  kind: 'redis-flushall',
  recoversWithinMs: REBUILDS_WITHIN_MS,
  stopsSweeps: true,
  async inject({ system: { admin } }) {
    await admin.flushall();
    return Date.now();
  },
};

const scriptsFlushed: Fault = {
  kind: 'redis-script-flush',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject({ system: { admin } }) {
    for (let i = 0; i < 10; i++) {
      await admin.script('FLUSH');
      await delay(50);
    }
    return Date.now();
  },
};

const outOfMemory: Fault = {
  kind: 'redis-maxmemory',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  stopsSweeps: true,
  async inject({ system: { admin } }) {
    await admin.config('SET', 'maxmemory', '1mb');
    await delay(HELD_MS);
    await admin.config('SET', 'maxmemory', '0');
    return Date.now();
  },
};

/** Writes to the append-only file fail, and Redis refuses commands that write until they succeed again. */
const diskFull: Fault = {
  kind: 'redis-disk-full',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  stopsSweeps: true,
  async inject({ system: { redis } }) {
    const { pid } = redis;
    if (pid === undefined) throw new SkippedFault('Redis is not a process of this machine');
    try {
      await limitFileSize(pid, 1_024);
    } catch (error) {
      throw new SkippedFault(`the size of its files cannot be limited: ${messageOf(error)}`);
    }
    await delay(HELD_MS);
    await limitFileSize(pid, 'unlimited');
    if (redis.pid !== pid) throw new Error('Redis did not survive its full disk');
    return Date.now();
  },
};

export const REDIS_FAULTS: readonly Fault[] = [
  killed,
  restored,
  flushed,
  scriptsFlushed,
  outOfMemory,
  diskFull,
];
