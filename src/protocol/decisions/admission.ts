/** Whom a pool lets in. */
import { z } from 'zod';
import { MAX_ALLOWLIST } from '../limits.ts';
import { nameSchema } from './common.ts';

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
