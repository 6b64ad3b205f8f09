/**
 * Who may connect: names, roles and public keys. Secrets are not in it: the seed of a key is told once, when it is made.
 */
import { z } from 'zod';
import { AuthFolderError } from '../lib/errors.ts';
import { nameSchema } from '../protocol/decisions/common.ts';
import { faultOf } from '../protocol/decode.ts';
import { ROLES, type Role } from '../protocol/identity.ts';
import { isReserved } from '../protocol/names.ts';
import { MAX_LOG_STREAMS } from '../protocol/subjects.ts';

/** While credentials are replaced the old and the new key are both good; more than a few are a leak. */
export const MAX_KEYS = 4;
export const MAX_IDENTITIES = 100_000;
const MAX_EVENT_POOLS = 1_000;

const entrySchema = z.strictObject({
  name: nameSchema,
  role: z.enum(ROLES),
  keys: z
    .array(z.string().regex(/^U[A-Z2-7]{55}$/))
    .min(1)
    .max(MAX_KEYS),
  events: z.array(nameSchema).max(MAX_EVENT_POOLS).optional(),
  addedAt: z.string(),
});

const registerSchema = z.strictObject({
  version: z.literal(1),
  /** Over how many streams the log is spread: permissions name each. */
  logStreams: z.int().min(1).max(MAX_LOG_STREAMS).default(1),
  namespace: z.string().regex(/^[A-Za-z0-9_-]{1,32}$/),
  shards: z.int().min(1).max(1_024),
  identities: z.array(entrySchema).max(MAX_IDENTITIES),
});

export type Entry = z.output<typeof entrySchema>;
export type Register = z.output<typeof registerSchema>;

export function parseRegister(text: string, where: string): Register {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new AuthFolderError('register_unreadable', `${where} is not JSON`);
  }
  const parsed = registerSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new AuthFolderError('register_unreadable', `${where}: ${faultOf(parsed.error, '')}`);
}

export interface Newcomer {
  readonly name: string;
  readonly role: Role;
  readonly key: string;
  readonly events?: readonly string[] | undefined;
  /** A further key for a name that is known, instead of a new name. */
  readonly isFurtherKey: boolean;
  readonly now: Date;
}

export function withKey(register: Register, newcomer: Newcomer): Register {
  const { name, role, key, events, isFurtherKey, now } = newcomer;
  if (isReserved(name))
    throw new AuthFolderError(
      'reserved_name',
      `${name}: names that begin with _ are reserved for the system`,
    );
  const known = register.identities.find((entry) => entry.name === name);
  if (known === undefined) {
    if (isFurtherKey)
      throw new AuthFolderError('unknown_identity', `there is no ${role} ${name} to add a key to`);
    const entry: Entry = {
      name,
      role,
      keys: [key],
      ...(events === undefined ? {} : { events: [...events] }),
      addedAt: now.toISOString(),
    };
    return { ...register, identities: [...register.identities, entry] };
  }
  if (!isFurtherKey || known.role !== role) {
    const hint = known.role === role ? '; --further-key makes another key for it' : '';
    throw new AuthFolderError('identity_exists', `there is ${article(known.role)} ${name} already${hint}`);
  }
  if (known.keys.length >= MAX_KEYS)
    throw new AuthFolderError('too_many_keys', `${name} has ${MAX_KEYS} keys: revoke one first`);
  return replace(register, { ...known, keys: [...known.keys, key] });
}

/** Without the identity, or, when a key is named, without that key of it. */
export function withoutKey(register: Register, name: string, key: string | undefined): Register {
  const known = register.identities.find((entry) => entry.name === name);
  if (known === undefined)
    throw new AuthFolderError('unknown_identity', `there is no identity called ${name}`);
  const keys = key === undefined ? [] : known.keys.filter((each) => each !== key);
  if (keys.length === known.keys.length)
    throw new AuthFolderError('unknown_key', `${name} has no key ${key}`);
  if (keys.length > 0) return replace(register, { ...known, keys });
  return { ...register, identities: register.identities.filter((entry) => entry !== known) };
}

function replace(register: Register, changed: Entry): Register {
  return {
    ...register,
    identities: register.identities.map((entry) => (entry.name === changed.name ? changed : entry)),
  };
}

function article(role: Role): string {
  return role === 'worker' ? 'a worker' : `an ${role}`;
}
