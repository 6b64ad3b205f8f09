/**
 * The configuration of a worker: one object, read from the environment in one place, validated, and passed on as
 * values. A name that starts like ours but is none of them is refused: a setting that silently does nothing is worse
 * than one that is missing.
 */
import { z } from 'zod';
import { didYouMean } from './did-you-mean.ts';
import { ConfigurationError } from './errors.ts';
import { faultOf } from './protocol/decode.ts';
import { settingsSchema } from './protocol/settings.ts';

const MEBIBYTE = 1024 * 1024;
const ms = z.coerce.number().int().min(1);

/** Times that a timer waits for are far below the 24 days that one can hold: beyond them it would not wait at all. */
const HOUR_MS = 60 * 60 * 1_000;

export const configSchema = z.strictObject({
  namespace: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,32}$/)
    .default('converge'),
  natsUrl: z.string().min(1).default('nats://127.0.0.1:4222'),
  redisUrl: z.string().min(1).default('redis://127.0.0.1:6379'),
  /** Fixed when a system is created. */
  shards: z.coerce.number().int().min(1).max(1_024).default(16),
  workerId: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,128}$/)
    .optional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** `/livez`, `/readyz` and `/metrics`; 0 takes a free port, -1 offers none. */
  httpPort: z.coerce.number().int().min(-1).max(65_535).default(0),
  httpHost: z.string().min(1).default('127.0.0.1'),

  leaseMs: ms.min(200).max(HOUR_MS).default(3_000),
  maxBatch: z.coerce.number().int().min(1).max(1_024).default(256),
  maxBatchBytes: z.coerce
    .number()
    .int()
    .min(1_024)
    .default(2 * MEBIBYTE),
  sweepEveryMs: ms.min(50).max(HOUR_MS).default(1_000),
  /** A shard whose due things nobody swept for so long is swept by its owner, with an alarm. */
  sweepOverdueMs: ms
    .min(200)
    .max(24 * HOUR_MS)
    .default(5_000),
  shutdownMs: ms.max(HOUR_MS).default(10_000),

  logMaxBytes: z.coerce
    .number()
    .int()
    .min(MEBIBYTE)
    .default(10 * 1024 * MEBIBYTE),
  eventsMaxBytes: z.coerce
    .number()
    .int()
    .min(MEBIBYTE)
    .default(10 * 1024 * MEBIBYTE),
  eventsMaxAgeMs: ms.default(24 * 60 * 60 * 1_000),
  deadLettersMaxCount: z.coerce.number().int().min(1).default(100_000),
  deadLettersMaxAgeMs: ms.default(7 * 24 * 60 * 60 * 1_000),
  dedupeWindowMs: ms.min(100).default(120_000),
  /** A shard's state is kept in a snapshot so often, when anything was decided since. */
  snapshotEveryMs: ms
    .min(100)
    .max(7 * 24 * HOUR_MS)
    .default(15 * 60 * 1_000),
  snapshotEveryDecisions: z.coerce.number().int().min(1).default(250_000),
  snapshotsMaxBytes: z.coerce
    .number()
    .int()
    .min(MEBIBYTE)
    .default(2 * 1024 * MEBIBYTE),
  /** What is applied, older than this and below the kept snapshots is trimmed off the log. */
  logRetentionMs: z.coerce
    .number()
    .int()
    .min(0)
    .default(24 * 60 * 60 * 1_000),
  replicas: z.coerce.number().int().min(1).max(5).default(1),

  settings: settingsSchema.prefault({}),
});

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;

const PREFIX = 'CONVERGE_';

/** Read elsewhere: they say which servers to start, not how a worker behaves. */
const OF_OTHERS = new Set(['CONVERGE_REDIS_SERVER', 'CONVERGE_NATS_SERVER', 'CONVERGE_NO_INSTALL']);

/** Every setting by the name of its variable: `leaseMs` is `CONVERGE_LEASE_MS`. */
const VARIABLES: ReadonlyMap<string, Setting> = new Map([
  ...Object.keys(configSchema.shape)
    .filter((name) => name !== 'settings')
    .map((name) => setting(name, false)),
  ...Object.keys(settingsSchema.shape).map((name) => setting(name, true)),
]);

interface Setting {
  readonly name: string;
  /** It travels in the log, with the sweeps, and holds for the shards. */
  readonly ofShards: boolean;
}

function setting(name: string, ofShards: boolean): [string, Setting] {
  return [variable(name), { name, ofShards }];
}

function variable(name: string): string {
  return PREFIX + name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

export function configVariables(): string[] {
  return [...VARIABLES.keys()];
}

/** The configuration that the environment describes; `overrides` (of the command line) win. */
export function configFromEnv(env: NodeJS.ProcessEnv, overrides: Partial<ConfigInput> = {}): Config {
  const values: Record<string, unknown> = {};
  const settings: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(env)) {
    if (!key.startsWith(PREFIX) || OF_OTHERS.has(key) || value === undefined || value === '') continue;
    const known = VARIABLES.get(key);
    if (known === undefined)
      throw new ConfigurationError(`${shown(key)} is not a setting${didYouMean(key, VARIABLES.keys())}`);
    if (known.ofShards) settings[known.name] = Number(value);
    else values[known.name] = value;
  }
  return parseConfig({
    ...values,
    settings: { ...settings, ...overrides.settings },
    ...withoutSettings(overrides),
  });
}

export function parseConfig(input: unknown): Config {
  const parsed = configSchema.safeParse(input);
  if (!parsed.success) throw new ConfigurationError(`configuration: ${faultOf(parsed.error, '')}`);
  return parsed.data;
}

const MAX_SHOWN_CHARS = 100;

/** Names of variables can be of any length, and hold what no character is. */
function shown(name: string): string {
  return name.length > MAX_SHOWN_CHARS
    ? `${name.slice(0, MAX_SHOWN_CHARS)}…`.toWellFormed()
    : name.toWellFormed();
}

function withoutSettings({ settings: _settings, ...others }: Partial<ConfigInput>): Partial<ConfigInput> {
  return others;
}
