/** Faults of the sweeper. */
import { setTimeout as delay } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { SHARD_POOL, SWEEPER } from '../../../src/protocol/names.ts';
import { systemKeys } from '../../../src/state/keys.ts';
import { connectForBullMq } from '../../../src/state/redis.ts';
import { type ChaosSystem, SWEEP_OVERDUE_MS } from '../system/system.ts';
import type { Fault } from './fault.ts';

const RECOVERS_WITHIN_MS = 15_000;
const DOUBLED_FOR_MS = 1_500;
const QUEUE = 'sweep';

/** A second one that knows nothing of the first, in a hurry. */
const doubled: Fault = {
  kind: 'sweeper-doubled',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject({ system: { connection, subjects, shards }, random }) {
    const until = Date.now() + DOUBLED_FOR_MS;
    while (Date.now() < until) {
      for (let shard = 0; shard < shards; shard++) {
        const id = `second-${Date.now().toString(36)}-${random.integer(1_000_000).toString(36)}`;
        connection.publish(
          subjects.shardDecision(shard, SWEEPER, SHARD_POOL),
          JSON.stringify({ id, type: 'Sweep' }),
        );
      }
      await delay(50);
    }
    return Date.now();
  },
};

/** Longer than anyone may wait for it: then those who own the shards sweep. */
const absent: Fault = {
  kind: 'sweeper-absent',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  stopsSweeps: true,
  async inject({ system }) {
    await withQueue(system, async (queue) => {
      await queue.pause();
      await delay(SWEEP_OVERDUE_MS * 2);
      await queue.resume();
    });
    return Date.now();
  },
};

const scheduleDeleted: Fault = {
  kind: 'sweep-schedule-deleted',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  stopsSweeps: true,
  async inject({ system }) {
    await withQueue(system, async (queue) => {
      for (const { key } of await queue.getJobSchedulers()) await queue.removeJobScheduler(key);
    });
    return Date.now();
  },
};

async function withQueue(
  { redis, namespace }: ChaosSystem,
  work: (queue: Queue) => Promise<void>,
): Promise<void> {
  const connection = connectForBullMq(redis.url);
  const { bullPrefix } = systemKeys(namespace);
  const queue = new Queue(QUEUE, { connection, prefix: bullPrefix, skipVersionCheck: true });
  queue.on('error', () => undefined);
  try {
    await work(queue);
  } finally {
    await queue.close();
    connection.disconnect();
  }
}

export const SWEEPER_FAULTS: readonly Fault[] = [doubled, absent, scheduleDeleted];
