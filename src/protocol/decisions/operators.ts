/**
 * The decisions of operators about a pool: its owner's, those of the agents that it names, and those of the operators of
 * the whole system, who decide as `_operator`.
 */
import { z } from 'zod';
import { MAX_OPERATORS } from '../limits.ts';
import { poolQuotasSchema } from '../quotas.ts';
import { envelope, nameSchema, otherAgentSchema, reasonSchema } from './common.ts';

export const operatorsSchema = z
  .array(otherAgentSchema)
  .max(MAX_OPERATORS)
  .describe(
    'agents that may pause the pool, force releases, remove members and ban agents, as its owner may',
  );

export const updatePoolSchema = z
  .strictObject({
    ...envelope,
    type: z.literal('UpdatePool'),
    operators: operatorsSchema.optional().describe("in place of those before; the owner's to say"),
    quotas: poolQuotasSchema.optional().describe('in place of those before; {} takes them away'),
  })
  .refine(
    ({ operators, quotas }) => operators !== undefined || quotas !== undefined,
    'nothing to change: neither operators nor quotas',
  );

export const pausePoolSchema = z.strictObject({
  ...envelope,
  type: z.literal('PausePool'),
  reason: reasonSchema.optional(),
});

export const resumePoolSchema = z.strictObject({ ...envelope, type: z.literal('ResumePool') });

export const forceReleaseSchema = z.strictObject({
  ...envelope,
  type: z.literal('ForceRelease'),
  taskId: nameSchema,
  epoch: z.int().min(1).optional().describe('the claim meant; left out: whichever there is'),
  reason: reasonSchema.optional(),
});

export const removeMemberSchema = z.strictObject({
  ...envelope,
  type: z.literal('RemoveMember'),
  agentId: nameSchema,
  reason: reasonSchema.optional(),
});

export const banAgentSchema = z.strictObject({
  ...envelope,
  type: z.literal('BanAgent'),
  agentId: otherAgentSchema,
  reason: reasonSchema.optional(),
});

export const unbanAgentSchema = z.strictObject({
  ...envelope,
  type: z.literal('UnbanAgent'),
  agentId: otherAgentSchema,
});
