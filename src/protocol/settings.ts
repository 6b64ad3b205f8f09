/**
 * Bounds that operators may move and that change what the log means: how long things are kept, how many a pool may
 * hold. A Sweep carries those in force, so that they are in the log themselves and every replay agrees.
 */

import { z } from 'zod';
import { defined } from './defined.ts';
import { CONSEQUENCES_AT_ONCE, DAY_MS, MAX_DURATION_MS, MAX_QUOTA_BYTES, MINUTE_MS } from './limits.ts';
import { quotaSettings } from './quotas.ts';

const duration = z.int().min(1).max(MAX_DURATION_MS);

export const settingsSchema = z.strictObject({
  /** Outcomes are remembered for this long at least, and at most so many per shard. */
  outcomeRetentionMs: duration.default(10 * MINUTE_MS),
  outcomeRetentionCount: z.int().min(1_000).max(10_000_000).default(100_000),
  /** And at most so many bytes of them, with their keys. */
  outcomeRetentionBytes: z
    .int()
    .min(1_000_000)
    .max(MAX_QUOTA_BYTES)
    .default(64 * 1024 * 1024),
  /** Final tasks stay readable for this long, and at most so many per pool. */
  finalRetentionMs: duration.default(DAY_MS),
  finalRetentionCount: z.int().min(1).max(10_000_000).default(100_000),
  /** Unfinished tasks per pool; more are `rate_limited`. They are what a worker keeps in memory. */
  maxLiveTasksPerPool: z.int().min(1).max(10_000_000).default(1_000_000),
  maxMembersPerPool: z.int().min(1).max(10_000_000).default(100_000),
  /** Each is a subject of the events stream, which the NATS server keeps in memory. */
  maxPoolsPerShard: z.int().min(1).max(10_000_000).default(10_000),
  /** Consequences (dependents, hand-overs, claims of who left …) that one message settles; more are owed. */
  consequencesAtOnce: z.int().min(1).max(1_000).default(CONSEQUENCES_AT_ONCE),
  ...quotaSettings,
  /** The heap that bounds of memory are derived from where nobody has set them: of the first worker, which tells it. */
  heapBytes: z.int().min(1).max(MAX_QUOTA_BYTES).optional(),
});

export type Settings = z.output<typeof settingsSchema>;

/** The settings in force in a shard, and values that only this shard has. */
export const standingSchema = settingsSchema.extend({
  /** The worker of the shard is short of memory: what would add to it waits. */
  pressure: z.literal(true).optional(),
});

export type Standing = z.output<typeof standingSchema>;

/**
 * Returns the settings after a Sweep. Values that it omits stay as they were: of several workers with different heaps
 * the first one's counts, so that they do not change it in turn.
 */
export function afterSweep(
  before: Standing,
  told: Settings | undefined,
  heapBytes: number | undefined,
): Standing {
  const settings = told ?? before;
  const { pressure } = before;
  return {
    ...settings,
    heapBytes: settings.heapBytes ?? before.heapBytes ?? heapBytes,
    ...defined({ pressure }),
  };
}

/** Would a Sweep with these settings change nothing? `applied` is what the shard goes by, as JSON. */
export function areInForce(applied: string, wanted: Settings, heapBytes: number | undefined): boolean {
  const before = standingSchema.safeParse(JSON.parse(applied));
  return before.success && isSame(before.data, afterSweep(before.data, wanted, heapBytes));
}

function isSame(a: Standing, b: Standing): boolean {
  return JSON.stringify(standingSchema.parse(a)) === JSON.stringify(standingSchema.parse(b));
}

export const DEFAULT_SETTINGS: Settings = settingsSchema.parse({});
