import { z } from 'zod';
import { MAX_DURATION_MS } from '../limits.ts';
import { durationSchema } from './common.ts';

/**
 * Bounds on how a task may run. The first six are the system's to enforce; `cpu`, `memoryMb` and whatever else is
 * stated are for the agents to read and are kept as they are.
 */
export const constraintsSchema = z
  .object({
    claimTtlMs: durationSchema.optional().describe('how long a claim lasts unless renewed (60,000)'),
    maxRunMs: durationSchema.optional().describe('how long a claim can last, however often it is renewed'),
    maxAttempts: z.int().min(1).max(1_000).optional().describe('failures before the task fails for good (3)'),
    backoffMs: z
      .int()
      .min(0)
      .max(MAX_DURATION_MS)
      .optional()
      .describe('wait after the first failure; doubles each time (0)'),
    maxExpiries: z
      .int()
      .min(1)
      .max(1_000)
      .optional()
      .describe('expired claims before the task is abandoned (5)'),
    maxUnstarted: z
      .int()
      .min(1)
      .max(1_000)
      .optional()
      .describe('times that it is handed over and not begun before it is no longer handed over (10)'),
    cpu: z.number().min(0).optional(),
    memoryMb: z.number().min(0).optional(),
  })
  .catchall(z.union([z.string().max(1_024), z.number(), z.boolean()]));

export type Constraints = z.output<typeof constraintsSchema>;
