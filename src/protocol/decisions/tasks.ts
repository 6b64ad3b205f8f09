/** The decisions about tasks and claims (docs/protocol.md, "Tasks"). */
import { z } from 'zod';
import {
  MAX_ALTERNATIVES,
  MAX_CLAIMS_AT_ONCE,
  MAX_DEPENDENCIES,
  MAX_OBJECTIVE_CHARS,
  MAX_REASON_CHARS,
  MAX_REQUIRED_CAPABILITIES,
} from '../limits.ts';
import {
  durationSchema,
  envelope,
  jsonSchema,
  labelSchema,
  nameSchema,
  reasonSchema,
  timeSchema,
  topicsSchema,
} from './common.ts';
import { constraintsSchema } from './constraints.ts';

/** A capability that a task needs: a name, or a list of names of which one suffices. */
export const requirementSchema = z.union([labelSchema, z.array(labelSchema).min(1).max(MAX_ALTERNATIVES)]);

const epochSchema = z.int().min(1).describe('epoch of the claim; default: the one that the agent holds');

export const submitTaskSchema = z.strictObject({
  ...envelope,
  type: z.literal('SubmitTask'),
  taskId: nameSchema,
  objective: z.string().max(MAX_OBJECTIVE_CHARS),
  inputs: jsonSchema.optional(),
  evaluator: jsonSchema.optional(),
  topic: labelSchema.optional(),
  requiredCapabilities: z.array(requirementSchema).max(MAX_REQUIRED_CAPABILITIES).optional(),
  priority: z.int().min(-1_000_000_000).max(1_000_000_000).optional().describe('higher first (default 0)'),
  notBefore: timeSchema.optional(),
  deadline: timeSchema.optional(),
  dependsOn: z.array(nameSchema).max(MAX_DEPENDENCIES).optional(),
  constraints: constraintsSchema.optional(),
});

export const claimTaskSchema = z.strictObject({
  ...envelope,
  type: z.literal('ClaimTask'),
  taskId: nameSchema,
  claimTtlMs: durationSchema.optional(),
  epoch: z
    .int()
    .min(1)
    .optional()
    .describe('of the claim that the agent holds: it takes that up again, under a new epoch'),
});

export const claimNextTaskSchema = z.strictObject({
  ...envelope,
  type: z.literal('ClaimNextTask'),
  limit: z.int().min(1).max(MAX_CLAIMS_AT_ONCE).optional(),
  topics: topicsSchema.optional(),
  claimTtlMs: durationSchema.optional(),
});

export const renewClaimSchema = z.strictObject({
  ...envelope,
  type: z.literal('RenewClaim'),
  taskId: nameSchema,
  epoch: epochSchema.optional(),
  progress: z.number().min(0).max(1).optional(),
  note: z.string().max(MAX_REASON_CHARS).optional(),
});

export const releaseTaskSchema = z.strictObject({
  ...envelope,
  type: z.literal('ReleaseTask'),
  taskId: nameSchema,
  epoch: epochSchema.optional(),
});

export const reportTaskSchema = z.strictObject({
  ...envelope,
  type: z.literal('ReportTask'),
  taskId: nameSchema,
  epoch: epochSchema.optional(),
  result: jsonSchema,
});

export const failTaskSchema = z.strictObject({
  ...envelope,
  type: z.literal('FailTask'),
  taskId: nameSchema,
  epoch: epochSchema.optional(),
  reason: reasonSchema,
  retryable: z.boolean().optional(),
});

export const cancelTaskSchema = z.strictObject({
  ...envelope,
  type: z.literal('CancelTask'),
  taskId: nameSchema,
  reason: reasonSchema.optional(),
});
