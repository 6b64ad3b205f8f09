/** The decisions about delegations (docs/protocol.md, "Delegations"). */
import { z } from 'zod';
import { DELEGATION_KINDS } from '../delegations.ts';
import { MAX_DELEGATION_DEPTH, MAX_SCOPE_ENTRIES, MAX_SCOPE_ENTRY_CHARS } from '../limits.ts';
import { envelope, nameSchema, otherAgentSchema, timeSchema } from './common.ts';

export const delegateSchema = z.strictObject({
  ...envelope,
  type: z.literal('Delegate'),
  delegateeId: otherAgentSchema.describe('the agent that may act; for `pooled` this pool, whose members may'),
  scope: z
    .array(z.string().min(1).max(MAX_SCOPE_ENTRY_CHARS))
    .min(1)
    .max(MAX_SCOPE_ENTRIES)
    .describe('decision types (`Vote`), families (`votes`), or either narrowed to one id (`Vote:v-7`)'),
  kind: z.enum(DELEGATION_KINDS).optional().describe('direct'),
  expiresAt: timeSchema.optional(),
  maxDepth: z
    .int()
    .min(0)
    .max(MAX_DELEGATION_DEPTH)
    .optional()
    .describe('how many delegations may follow in the chain; 0: it cannot be passed on'),
});

export const revokeDelegationSchema = z.strictObject({
  ...envelope,
  type: z.literal('RevokeDelegation'),
  delegationId: nameSchema.describe('the id of the Delegate decision'),
});
