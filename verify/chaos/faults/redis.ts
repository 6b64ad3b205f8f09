/** Faults of Redis. */
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../../src/lib/errors.ts';
import { limitFileSize } from '../system/redis-wrapper.ts';
import type { ChaosSystem } from '../system/system.ts';
import { alarmsIn } from '../system/worker-log.ts';
import { type Fault, SkippedFault, type Stricken } from './fault.ts';

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

/** Long enough that somebody has to be alarmed. */
const REFUSES_MS = 7_000;
const ALARMING: readonly string[] = ['shard_stalled', 'leases_failing', 'shard_ownerless'];

/**
 * Redis is there and refuses to write. Nothing may be lost by it, nobody may take it for anything else, and somebody has to
 * say so; when it writes again, work goes on by itself.
 */
function refusing(
  kind: string,
  error: string,
  begin: (stricken: Stricken) => Promise<() => Promise<unknown>>,
): Fault {
  return {
    kind,
    concern: 'redis',
    recoversWithinMs: RECOVERS_WITHIN_MS,
    stopsSweeps: true,
    async inject(stricken) {
      const { system } = stricken;
      const since = Date.now();
      const before = await refusals(system, error);
      const end = await begin(stricken);
      await delay(REFUSES_MS);
      const refused = (await refusals(system, error)) - before;
      await end();
      const over = Date.now();
      if (refused === 0)
        stricken.violate('no_effect', `Redis answered nothing with ${error} for ${REFUSES_MS} ms`);
      const alarms = system.allWorkers.flatMap((worker) => alarmsIn(worker.logLines(), since));
      if (!alarms.some((alarm) => ALARMING.includes(alarm)))
        stricken.violate(
          'no_alarm',
          `Redis refused to write for ${REFUSES_MS} ms, and no worker has said so`,
        );
      return over;
    },
  };
}

/** How often it has answered with this error since it was started. */
async function refusals({ admin }: ChaosSystem, error: string): Promise<number> {
  const found = new RegExp(`^errorstat_${error}:count=(\\d+)`, 'm').exec(await admin.info('errorstats'));
  return Number(found?.[1] ?? 0);
}

const outOfMemory = refusing('redis-maxmemory', 'OOM', async ({ system: { admin } }) => {
  await admin.config('SET', 'maxmemory', '1mb');
  return () => admin.config('SET', 'maxmemory', '0');
});

/** Of a master that is not there: what it has it keeps. */
const readOnly = refusing('redis-read-only', 'READONLY', async ({ system: { admin } }) => {
  await admin.replicaof('127.0.0.1', 1);
  return () => admin.replicaof('NO', 'ONE');
});

/** Writes to the append-only file fail, and Redis refuses commands that write until they succeed again. */
const diskFull = refusing('redis-disk-full', 'MISCONF', async ({ system: { redis } }) => {
  const { pid } = redis;
  if (pid === undefined) throw new SkippedFault('Redis is not a process of this machine');
  try {
    await limitFileSize(pid, 1_024);
  } catch (error) {
    throw new SkippedFault(`the size of its files cannot be limited: ${messageOf(error)}`);
  }
  return async () => {
    await limitFileSize(pid, 'unlimited');
    if (redis.pid !== pid) throw new Error('Redis did not survive its full disk');
  };
});

export const REDIS_FAULTS: readonly Fault[] = [
  killed,
  restored,
  flushed,
  scriptsFlushed,
  outOfMemory,
  readOnly,
  diskFull,
];
