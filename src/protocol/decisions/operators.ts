/**
 * The decisions of operators about a pool: its owner's, those of the agents that it names, and those of the operators of
 * the whole system, who decide as `_operator`.
 */
import { z } from 'zod';
import {
  DEFAULT_HANDING_OVER,
  MAX_CLAIMS_PER_AGENT,
  MAX_OPERATORS,
  MAX_POOL_CLAIMS,
  MAX_START_MS,
  MIN_START_MS,
} from '../limits.ts';
import { poolQuotasSchema } from '../quotas.ts';
import { admissionSchema } from './admission.ts';
import { countSchema, envelope, nameSchema, otherAgentSchema, reasonSchema, topicsSchema } from './common.ts';
import { constraintsSchema } from './constraints.ts';

export const operatorsSchema = z
  .array(otherAgentSchema)
  .max(MAX_OPERATORS)
  .describe(
    'agents that, like the owner, may pause the pool, cancel, fail and release tasks, remove members and ban agents',
  );

export const submittersSchema = z.enum(['anyone', 'members']);
export const claimsPerAgentSchema = z.int().min(1).max(MAX_CLAIMS_PER_AGENT);

/** How tasks are handed over to agents that stand by. */
export const handingOverSchema = {
  startWithinMs: z
    .int()
    .min(MIN_START_MS)
    .max(MAX_START_MS)
    .optional()
    .describe(`how long an agent has to begin what it was handed (${DEFAULT_HANDING_OVER.startWithinMs})`),
  maxUnstarted: z
    .int()
    .min(1)
    .max(MAX_POOL_CLAIMS)
    .optional()
    .describe(
      `claims of the pool that may be handed over and not begun at one time (${DEFAULT_HANDING_OVER.maxUnstarted})`,
    ),
};

/** Fields that only the owner may change: who rules the pool, and who is admitted. Operators may change the others, too. */
const OF_THE_OWNER = {
  owner: otherAgentSchema.optional().describe('hands the pool over to a member; owner only'),
  operators: operatorsSchema.optional().describe('replaces the previous ones; owner only'),
  admission: admissionSchema.optional().describe('who may join from now on; owner only'),
};

export type OwnersField = keyof typeof OF_THE_OWNER;
export const OWNERS_FIELDS = ['owner', 'operators', 'admission'] as const satisfies readonly OwnersField[];

const CHANGES = {
  ...OF_THE_OWNER,
  capacity: countSchema.nullable().optional().describe('maximum number of members; null: no limit'),
  topics: topicsSchema.optional().describe('replaces the previous ones'),
  submitters: submittersSchema.optional(),
  defaults: constraintsSchema
    .optional()
    .describe('for tasks submitted from now on; replaces the previous ones'),
  maxClaimsPerAgent: claimsPerAgentSchema.nullable().optional().describe('null: no limit in the pool'),
  ...handingOverSchema,
  quotas: poolQuotasSchema.optional().describe('replaces the previous ones; {} removes them'),
};

export const updatePoolSchema = z
  .strictObject({ ...envelope, type: z.literal('UpdatePool'), ...CHANGES })
  .refine(
    (decision) => Object.entries(decision).some(([field, value]) => field in CHANGES && value !== undefined),
    `nothing to change: give one of ${Object.keys(CHANGES).join(', ')}`,
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
  epoch: z.int().min(1).optional().describe('epoch of the claim; default: the current claim'),
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
  cancelWork: z.boolean().optional().describe('cancel its unfinished work as well: see docs/protocol.md'),
});

export const unbanAgentSchema = z.strictObject({
  ...envelope,
  type: z.literal('UnbanAgent'),
  agentId: otherAgentSchema,
});
