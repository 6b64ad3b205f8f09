/**
 * Bounds that operators may move and that change what the log means: how long things are kept, how many a pool may
 * hold. A Sweep carries those in force, so that they are in the log themselves and every replay agrees.
 */
import { z } from 'zod';
import { DAY_MS, MAX_DURATION_MS, MINUTE_MS } from './limits.ts';
import { quotaSettings } from './quotas.ts';

const duration = z.int().min(1).max(MAX_DURATION_MS);

export const settingsSchema = z.strictObject({
  /** Outcomes are remembered for this long at least, and at most so many per shard. */
  outcomeRetentionMs: duration.default(10 * MINUTE_MS),
  outcomeRetentionCount: z.int().min(1_000).max(10_000_000).default(100_000),
  /** Final tasks stay readable for this long, and at most so many per pool. */
  finalRetentionMs: duration.default(DAY_MS),
  finalRetentionCount: z.int().min(1).max(10_000_000).default(100_000),
  /** Unfinished tasks per pool; more are `rate_limited`. They are what a worker keeps in memory. */
  maxLiveTasksPerPool: z.int().min(1).max(10_000_000).default(1_000_000),
  maxMembersPerPool: z.int().min(1).max(10_000_000).default(100_000),
  maxPoolsPerShard: z.int().min(1).max(10_000_000).default(100_000),
  ...quotaSettings,
});

export type Settings = z.output<typeof settingsSchema>;

export const DEFAULT_SETTINGS: Settings = settingsSchema.parse({});
