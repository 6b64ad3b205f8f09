/** The decisions about auctions (docs/protocol.md, "Auctions"). */
import { z } from 'zod';
import { AUCTION_DIRECTIONS, AUCTION_KINDS } from '../auctions.ts';
import { MAX_DURATION_MS, MAX_INCREMENT_ROWS } from '../limits.ts';
import { durationSchema, envelope, jsonSchema, nameSchema, timeSchema } from './common.ts';

/**
 * A decimal of at most six places, as a JSON number or a string. Everything else that is one value passes here too:
 * the handler says `invalid_amount` of it, which is a rule of its own.
 */
const amountSchema = z
  .custom<string | number>((value) => isOneValue(value), 'an amount')
  .meta({
    type: ['number', 'string'],
    description: 'decimal from 0 to 10^15 with at most six places, as a number or a string',
  });

function isOneValue(value: unknown): boolean {
  return value === null || (value !== undefined && typeof value !== 'object');
}

const incrementSchema = z.union([
  amountSchema,
  z
    .array(z.strictObject({ below: amountSchema.optional(), step: amountSchema }))
    .min(1)
    .max(MAX_INCREMENT_ROWS),
]);

export const openAuctionSchema = z.strictObject({
  ...envelope,
  type: z.literal('OpenAuction'),
  auctionId: nameSchema,
  kind: z.enum(AUCTION_KINDS),
  direction: z
    .enum(AUCTION_DIRECTIONS)
    .default('forward')
    .describe('forward: the highest bid is best; reverse: the lowest'),
  closesAt: timeSchema,
  reserve: amountSchema
    .optional()
    .describe('the worst price at which the lot is sold; secret until the close'),
  startPrice: amountSchema
    .optional()
    .describe('the worst bid that is accepted, public; dutch: the price at the opening'),
  increment: incrementSchema
    .optional()
    .describe(
      'english: by how much a bid must beat the price; of a table the first row whose below is above it',
    ),
  proxy: z.boolean().optional().describe('english: amounts are secret maxima'),
  softCloseMs: z
    .int()
    .min(0)
    .max(MAX_DURATION_MS)
    .optional()
    .describe(
      'english: a bid that moves the price this close to the close moves the close to this long after the bid',
    ),
  latestCloseAt: timeSchema
    .optional()
    .describe('english: a soft close never moves the close beyond this time (closesAt + 20 × softCloseMs)'),
  step: amountSchema.optional().describe('dutch: by how much the price moves at each step'),
  stepMs: durationSchema.optional().describe('dutch: time between two steps'),
  taskId: nameSchema.optional().describe('the pending task whose claim goes to the winner'),
  lot: jsonSchema.optional().describe('description for the bidders'),
});

export const submitBidSchema = z.strictObject({
  ...envelope,
  type: z.literal('SubmitBid'),
  auctionId: nameSchema,
  amount: amountSchema,
  content: jsonSchema.optional().describe('stored with the bid, and as secret as the bid'),
});

export const closeAuctionSchema = z.strictObject({
  ...envelope,
  type: z.literal('CloseAuction'),
  auctionId: nameSchema,
});

export const cancelAuctionSchema = z.strictObject({
  ...envelope,
  type: z.literal('CancelAuction'),
  auctionId: nameSchema,
});

export const extendAuctionSchema = z.strictObject({
  ...envelope,
  type: z.literal('ExtendAuction'),
  auctionId: nameSchema,
  closesAt: timeSchema.describe('later than it closes now, and not later than its latestCloseAt'),
});
