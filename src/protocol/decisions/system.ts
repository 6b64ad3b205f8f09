/** Decisions that only the system and its operators make, addressed to a shard as a whole. */
import { z } from 'zod';
import { settingsSchema } from '../settings.ts';
import { nameSchema, timeSchema } from './common.ts';

/** Settles what has fallen due by `until` (log time at most): claims, deadlines, presence, retention. */
export const sweepSchema = z.strictObject({
  id: nameSchema,
  type: z.literal('Sweep'),
  until: timeSchema.optional().describe('settle only what fell due by then; never beyond log time'),
  limit: z.int().min(1).max(1_000).optional().describe('most entities settled by this one sweep (500)'),
  settings: settingsSchema.optional().describe('the retention and bounds in force from here on'),
});
