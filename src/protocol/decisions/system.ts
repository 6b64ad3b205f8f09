/** Decisions that only the system and its operators make, addressed to a shard as a whole. */
import { z } from 'zod';
import { MAX_QUOTA_BYTES } from '../limits.ts';
import { settingsSchema } from '../settings.ts';
import { nameSchema, timeSchema } from './common.ts';

/** Settles what has fallen due by `until` (log time at most): claims, deadlines, presence, retention. */
export const sweepSchema = z.strictObject({
  id: nameSchema,
  type: z.literal('Sweep'),
  until: timeSchema.optional().describe('settle only entities that fell due by then; never beyond log time'),
  limit: z.int().min(1).max(1_000).optional().describe('most entities settled by this one sweep (500)'),
  at: timeSchema.optional().describe("the time, when the log's clock is behind: log time is at least this"),
  heapBytes: z
    .int()
    .min(1)
    .max(MAX_QUOTA_BYTES)
    .optional()
    .describe('heap of the worker that appends this; counts while the shard knows of no other'),
  settings: settingsSchema.optional().describe('the retention and bounds in force from here on'),
});

/** From its owner, about the memory of the worker: while it is on, nothing is accepted that adds to the shard. */
export const pressureSchema = z.strictObject({
  id: nameSchema,
  type: z.literal('Pressure'),
  on: z.boolean(),
});

/**
 * Declaration of an operator after the log's clock was wrong: the stamps of these messages of the shard do not
 * count, nor what they carry. Addressed to the pool `_clock`, where a worker finds it before it comes there.
 */
export const clockSchema = z.strictObject({
  id: nameSchema,
  type: z.literal('Clock'),
  from: z.int().min(1).describe('position of the first message'),
  to: z.int().min(1).describe('position of the last message; before this decision'),
});

/**
 * Settles some of what earlier decisions owe: consequences that were more than one message settles. It has no outcome, and
 * with nothing owed it changes nothing.
 */
export const settleSchema = z.strictObject({
  id: nameSchema,
  type: z.literal('Settle'),
  at: timeSchema.optional().describe('the time, used when the clock of the log is behind'),
});
