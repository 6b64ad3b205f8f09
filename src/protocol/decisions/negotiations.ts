/** The decisions about negotiations (docs/protocol.md, "Negotiations"). */
import { z } from 'zod';
import { MAX_PARTICIPANTS } from '../limits.ts';
import { envelope, jsonSchema, nameSchema, otherAgentSchema, reasonSchema, timeSchema } from './common.ts';

export const openNegotiationSchema = z.strictObject({
  ...envelope,
  type: z.literal('OpenNegotiation'),
  sessionId: nameSchema,
  participants: z
    .array(otherAgentSchema)
    .min(2)
    .max(MAX_PARTICIPANTS)
    .refine((agents) => new Set(agents).size === agents.length, 'must not contain duplicates')
    .describe('everyone who has to agree, the opener among them'),
  proposal: jsonSchema.describe('the first proposal, made by the opener'),
  deadline: timeSchema.optional().describe('when the session expires; default: never'),
});

export const proposeSchema = z.strictObject({
  ...envelope,
  type: z.literal('Propose'),
  sessionId: nameSchema,
  content: jsonSchema.describe('replaces the latest proposal'),
});

export const acceptProposalSchema = z.strictObject({
  ...envelope,
  type: z.literal('AcceptProposal'),
  sessionId: nameSchema,
  proposalId: nameSchema,
});

export const rejectProposalSchema = z.strictObject({
  ...envelope,
  type: z.literal('RejectProposal'),
  sessionId: nameSchema,
  reason: reasonSchema.optional(),
});
