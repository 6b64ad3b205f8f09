/** The decisions about pools and membership (docs/protocol.md, "Pools"). */
import { z } from 'zod';
import { MAX_CAPABILITIES } from '../limits.ts';
import { poolQuotasSchema } from '../quotas.ts';
import { admissionSchema } from './admission.ts';
import { countSchema, durationSchema, envelope, labelSchema, topicsSchema } from './common.ts';
import { constraintsSchema } from './constraints.ts';
import { claimsPerAgentSchema, handingOverSchema, operatorsSchema, submittersSchema } from './operators.ts';

export const createPoolSchema = z.strictObject({
  ...envelope,
  type: z.literal('CreatePool'),
  topics: topicsSchema.optional(),
  admission: admissionSchema.optional(),
  capacity: countSchema.optional().describe('maximum number of members'),
  submitters: submittersSchema.optional(),
  defaults: constraintsSchema.optional().describe('constraints for tasks that have none of their own'),
  maxClaimsPerAgent: claimsPerAgentSchema.optional(),
  ...handingOverSchema,
  operators: operatorsSchema.optional(),
  quotas: poolQuotasSchema.optional().describe('apply where they are smaller than those of the system'),
});

export const joinPoolSchema = z.strictObject({
  ...envelope,
  type: z.literal('JoinPool'),
  capabilities: z.array(labelSchema).max(MAX_CAPABILITIES).optional(),
  token: z.string().max(1_024).optional(),
  presenceMs: durationSchema.optional().describe('a member that is silent for longer than this is removed'),
});

export const leavePoolSchema = z.strictObject({ ...envelope, type: z.literal('LeavePool') });
export const heartbeatSchema = z.strictObject({ ...envelope, type: z.literal('Heartbeat') });
export const closePoolSchema = z.strictObject({ ...envelope, type: z.literal('ClosePool') });
