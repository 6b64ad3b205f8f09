/** The decisions about pools and membership (PROTOCOL, section 3). */
import { z } from 'zod';
import { MAX_ALLOWLIST, MAX_CAPABILITIES, MAX_CLAIMS_PER_AGENT } from '../limits.ts';
import { poolQuotasSchema } from '../quotas.ts';
import { countSchema, durationSchema, envelope, labelSchema, nameSchema, topicsSchema } from './common.ts';
import { constraintsSchema } from './constraints.ts';
import { operatorsSchema } from './operators.ts';

const sha256Schema = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/, '64 hexadecimal digits')
  .transform((digest) => digest.toLowerCase());

const allowlistSchema = z.strictObject({ agents: z.array(nameSchema).max(MAX_ALLOWLIST) });
const tokenSchema = z.strictObject({ sha256: sha256Schema });

/**
 * Who may join: `"open"`, `{kind: "allowlist", agents}` or `{kind: "token", sha256}`; the two latter also in the
 * form `{allowlist: {agents}}` and `{token: {sha256}}`. Kept in the form with `kind`.
 */
export const admissionSchema = z.union([
  z.literal('open').transform(() => ({ kind: 'open' as const })),
  z.strictObject({ kind: z.literal('open') }),
  allowlistSchema.extend({ kind: z.literal('allowlist') }),
  tokenSchema.extend({ kind: z.literal('token') }),
  z
    .strictObject({ allowlist: allowlistSchema })
    .transform(({ allowlist }) => ({ kind: 'allowlist' as const, agents: allowlist.agents })),
  z
    .strictObject({ token: tokenSchema })
    .transform(({ token }) => ({ kind: 'token' as const, sha256: token.sha256 })),
]);

export const createPoolSchema = z.strictObject({
  ...envelope,
  type: z.literal('CreatePool'),
  topics: topicsSchema.optional(),
  admission: admissionSchema.optional(),
  capacity: countSchema.optional().describe('most members'),
  submitters: z.enum(['anyone', 'members']).optional(),
  defaults: constraintsSchema.optional().describe('constraints of tasks that do not state their own'),
  maxClaimsPerAgent: z.int().min(1).max(MAX_CLAIMS_PER_AGENT).optional(),
  operators: operatorsSchema.optional(),
  quotas: poolQuotasSchema.optional().describe('where they are smaller than those of the system'),
});

export const joinPoolSchema = z.strictObject({
  ...envelope,
  type: z.literal('JoinPool'),
  capabilities: z.array(labelSchema).max(MAX_CAPABILITIES).optional(),
  token: z.string().max(1_024).optional(),
  presenceMs: durationSchema.optional().describe('the member must be heard from this often, or is removed'),
});

export const leavePoolSchema = z.strictObject({ ...envelope, type: z.literal('LeavePool') });
export const heartbeatSchema = z.strictObject({ ...envelope, type: z.literal('Heartbeat') });
export const closePoolSchema = z.strictObject({ ...envelope, type: z.literal('ClosePool') });
