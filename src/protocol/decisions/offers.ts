/** The decisions about standing offers (docs/protocol.md, "Standing offers"). */
import { z } from 'zod';
import { DAY_MS, DEFAULT_OFFER, MAX_CLAIMS_PER_AGENT, MAX_PRESENCE_MS, MIN_PRESENCE_MS } from '../limits.ts';
import { durationSchema, envelope, nameSchema, topicsSchema } from './common.ts';

const offerIdSchema = nameSchema.describe('which of the offers of the agent in the pool (main)');

export const standBySchema = z.strictObject({
  ...envelope,
  type: z.literal('StandBy'),
  offerId: offerIdSchema.optional(),
  places: z
    .int()
    .min(1)
    .max(MAX_CLAIMS_PER_AGENT)
    .optional()
    .describe('tasks are handed over while the agent holds fewer claims than this in the pool (1)'),
  topics: topicsSchema.optional().describe('only tasks on one of these topics'),
  claimTtlMs: durationSchema
    .optional()
    .describe('how long a claim lasts once it is begun; default: as the task says'),
  forMs: z.int().min(1).max(DAY_MS).optional().describe(`how long the offer stands (${DEFAULT_OFFER.forMs})`),
  presenceMs: z
    .int()
    .min(MIN_PRESENCE_MS)
    .max(MAX_PRESENCE_MS)
    .optional()
    .describe(
      `the offer ends when nothing is heard from the agent for so long (${DEFAULT_OFFER.presenceMs})`,
    ),
  once: z.boolean().optional().describe('end the offer with its first task'),
});

export const standDownSchema = z.strictObject({
  ...envelope,
  type: z.literal('StandDown'),
  offerId: offerIdSchema.optional(),
});
