/**
 * Bounds that are part of the contract. They are constants and not settings because a decision must be judged the
 * same way on every replay of the log; bounds that operators may move are in `settings.ts` and travel in the log.
 */

/** Largest decision, in bytes of JSON. It leaves room for the event that repeats it, in NATS' default payload of 1 MiB. */
export const MAX_DECISION_BYTES = 256 * 1024;
/** Deepest nesting of arrays and objects in a decision. */
export const MAX_DEPTH = 32;
/** Most object members and array elements in one decision. */
export const MAX_VALUES = 20_000;
export const MAX_BATCH = 100;
export const MAX_CLAIMS_AT_ONCE = 100;
/** Most claims one agent holds in one pool, whatever the pool allows: what leaving a pool gives back at once. */
export const MAX_CLAIMS_PER_AGENT = 1_000;
export const MAX_CAPABILITIES = 256;
export const MAX_REQUIRED_CAPABILITIES = 64;
export const MAX_ALTERNATIVES = 64;
export const MAX_TOPICS = 64;
export const MAX_DEPENDENCIES = 100;
/** Dependents of one task that one decision settles; the sweep settles the rest. */
export const MAX_CASCADE = 200;
export const MAX_ALLOWLIST = 10_000;
export const MAX_OBJECTIVE_CHARS = 16_384;
export const MAX_REASON_CHARS = 2_048;
export const MAX_LABEL_CHARS = 128;
export const MAX_PAGE = 1_000;

export const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;
/** Longest duration and latest time that a field can name: far enough for any plan, small enough to be exact. */
export const MAX_DURATION_MS = 366 * DAY_MS;
export const MAX_TIME_MS = 253_402_300_799_999;

export const DEFAULT_CONSTRAINTS = {
  claimTtlMs: MINUTE_MS,
  maxAttempts: 3,
  backoffMs: 0,
  maxExpiries: 5,
} as const;
