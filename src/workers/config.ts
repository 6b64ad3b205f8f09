/**
 * The configuration of a worker: one object, read from the environment in one place, validated, and passed on as
 * values. A name that starts like ours but is none of them is refused: a setting that silently does nothing is worse
 * than one that is missing.
 */
import { homedir } from 'node:os';
import { z } from 'zod';
import { type NatsCredentials, readContext, withProofIn } from '../bus/credentials.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import { ConfigurationError } from '../lib/errors.ts';
import { isPlainNumber, settingFault, shownSetting } from '../lib/setting-fault.ts';
import { shortened } from '../lib/shortened.ts';
import { isObject } from '../protocol/json.ts';
import { settingsSchema } from '../protocol/settings.ts';
import { MAX_LOG_STREAMS } from '../protocol/subjects.ts';

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
  /** Over how many streams log and events are spread. Fixed when a system is created. */
  logStreams: z.coerce.number().int().min(1).max(MAX_LOG_STREAMS).default(1),
  workerId: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,128}$/)
    .optional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** `/livez`, `/readyz` and `/metrics`; 0 takes a free port, -1 offers none. */
  httpPort: z.coerce.number().int().min(-1).max(65_535).default(0),
  httpHost: z.string().min(1).default('127.0.0.1'),
  /** The token that `/readyz` and `/metrics` require. Without one they answer on loopback only. */
  httpToken: z.string().min(16).max(512).optional(),
  /** Names by which they may be asked, besides those of loopback and of the address: a list with commas. */
  httpHosts: z
    .array(z.string())
    .or(z.string().transform((text) => text.split(',').flatMap((host) => host.trim() || [])))
    .default([]),

  /**
   * The NATS server says who is who (`converge auth`): what is asked about a pool that is not open is answered to those
   * who may see it.
   */
  auth: z.stringbool().or(z.boolean()).default(false),
  natsCreds: z.string().min(1).optional(),
  natsNkey: z.string().min(1).optional(),
  natsUser: z.string().min(1).optional(),
  natsPassword: z.string().min(1).optional(),
  natsToken: z.string().min(1).optional(),
  /** Name of a NATS context, or the path of its file; its URL counts when no other one is given. */
  natsContext: z.string().min(1).optional(),
  natsContextDir: z.string().min(1).optional(),
  /** Files of TLS, for both servers. */
  natsCa: z.string().min(1).optional(),
  natsCert: z.string().min(1).optional(),
  natsKey: z.string().min(1).optional(),
  redisCa: z.string().min(1).optional(),
  redisCert: z.string().min(1).optional(),
  redisKey: z.string().min(1).optional(),
  /** Where BullMQ connects, when it is another user of Redis than the rest of the worker. */
  bullRedisUrl: z.string().min(1).optional(),

  leaseMs: ms.min(200).max(HOUR_MS).default(3_000),
  maxBatch: z.coerce.number().int().min(1).max(1_024).default(256),
  maxBatchBytes: z.coerce
    .number()
    .int()
    .min(1_024)
    .default(2 * MEBIBYTE),
  sweepEveryMs: ms.min(50).max(HOUR_MS).default(1_000),
  /** A shard whose due things nobody swept for so long is swept by its owner, with an alarm. */
  sweepOverdueMs: ms.min(200).default(5_000),
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
  /** Messages that are applied, older than this and below the retained snapshots are trimmed from the log. */
  logRetentionMs: z.coerce
    .number()
    .int()
    .min(0)
    .default(24 * 60 * 60 * 1_000),
  replicas: z.coerce.number().int().min(1).max(5).default(1),

  settings: settingsSchema.prefault({}),
});

/** Where NATS is and what proves us there. */
export interface NatsAccess {
  readonly url: string;
  /** Undefined when there are none: then nothing about the connection is private. */
  readonly credentials: NatsCredentials | undefined;
}

/** Throws a `CredentialsError` when a context cannot be read. */
export function natsAccess(config: Config): NatsAccess {
  const { natsUrl: url, natsContext, natsContextDir } = config;
  const own = definedOf({
    creds: config.natsCreds,
    nkey: config.natsNkey,
    user: config.natsUser,
    password: config.natsPassword,
    token: config.natsToken,
    ca: config.natsCa,
    cert: config.natsCert,
    key: config.natsKey,
  });
  const isEmpty = Object.keys(own).length === 0;
  if (natsContext === undefined) return { url, credentials: withProofIn(url, isEmpty ? undefined : own) };
  const { credentials } = readContext(natsContext, natsContextDir, homeOf(natsContextDir));
  return { url, credentials: withProofIn(url, { ...definedOf(credentials), ...own }) };
}

/** The files of TLS for Redis; undefined when its URL says all. */
export function redisTls({ redisCa, redisCert, redisKey }: Config): RedisTls | undefined {
  if (redisCa === undefined && redisCert === undefined && redisKey === undefined) return undefined;
  return { ca: redisCa, cert: redisCert, key: redisKey };
}

export interface RedisTls {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;

const PREFIX = 'CONVERGE_';

/** Read elsewhere: they say which servers to start, and where `auth` keeps its files, not how a worker behaves. */
const OF_OTHERS = new Set([
  'CONVERGE_REDIS_SERVER',
  'CONVERGE_NATS_SERVER',
  'CONVERGE_NO_INSTALL',
  'CONVERGE_INSTALL',
  'CONVERGE_AUTH_DIR',
]);

/** Every setting by the name of its variable. */
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

/** The variable of a setting: `leaseMs` is `CONVERGE_LEASE_MS`. */
export function variable(name: string): string {
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
      throw new ConfigurationError(
        `${shortened(key, MAX_SHOWN_CHARS)} is not a setting${didYouMean(key, VARIABLES.keys())}`,
      );
    if (known.ofShards) settings[known.name] = isPlainNumber(value) ? Number(value) : value;
    else values[known.name] = value;
  }
  addContext(values, env, overrides);
  const input = {
    ...values,
    settings: { ...settings, ...overrides.settings },
    ...withoutSettings(overrides),
  };
  return checkNumbers(
    input,
    parse(input, (path) => variable(path.at(-1) ?? '')),
  );
}

/** `1e3`, `0x10` and ` 7 ` are numbers to JavaScript, and to nobody who writes a setting. */
function checkNumbers(input: Record<string, unknown>, config: Config): Config {
  for (const [name, value] of Object.entries(input)) {
    const parsed: unknown = Reflect.get(config, name);
    if (typeof value !== 'string' || typeof parsed !== 'number' || isPlainNumber(value)) continue;
    throw new ConfigurationError(`${variable(name)}: expected a whole number, not ${shownSetting(value)}`);
  }
  return config;
}

const CONTEXTS = 'nats/context';

/** Where the `nats` command keeps its contexts; the URL of the one that is named, unless another one is given. */
function addContext(
  values: Record<string, unknown>,
  env: NodeJS.ProcessEnv,
  overrides: Partial<ConfigInput>,
): void {
  const { XDG_CONFIG_HOME, HOME } = env;
  const configHome = XDG_CONFIG_HOME ?? (HOME === undefined ? undefined : `${HOME}/.config`);
  if (configHome !== undefined) values.natsContextDir ??= `${configHome}/${CONTEXTS}`;
  const name = overrides.natsContext ?? values.natsContext;
  if (typeof name !== 'string' || overrides.natsUrl !== undefined || values.natsUrl !== undefined) return;
  const folder = overrides.natsContextDir ?? values.natsContextDir;
  const { url } = readContext(name, typeof folder === 'string' ? folder : undefined);
  if (url !== undefined) values.natsUrl = url;
}

const CONTEXTS_AT_HOME = /\/\.config\/nats\/context$/;

/** For the `~` in the paths of a context: contexts can be elsewhere (`XDG_CONFIG_HOME`), which moves nobody's home. */
function homeOf(contextDir: string | undefined): string {
  const isAtHome = contextDir !== undefined && CONTEXTS_AT_HOME.test(contextDir);
  return isAtHome ? contextDir.replace(CONTEXTS_AT_HOME, '') : homedir();
}

function definedOf(credentials: NatsCredentials): NatsCredentials {
  return Object.fromEntries(Object.entries(credentials).filter(([, value]) => value !== undefined));
}

export function parseConfig(input: unknown): Config {
  return parse(input, (path) => path.join('.'));
}

/** `named`: what the fault calls a setting: its variable where it came from there. */
function parse(input: unknown, named: (path: readonly string[]) => string): Config {
  const parsed = configSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue === undefined) throw new ConfigurationError('could not read the configuration');
  const path = issue.path.map(String);
  const where = path.length === 0 ? 'configuration' : named(path);
  // As it was written: what was made of it on the way, a NaN, helps nobody.
  const written = path.reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), input);
  const isQuoted = !isSecret(path.at(-1) ?? '') && path.length > 0;
  throw new ConfigurationError(`${where}: ${settingFault(issue, isQuoted ? written : undefined)}`);
}

/** Secrets that no message repeats: it could end up in a log. */
function isSecret(name: string): boolean {
  return /password|token|creds|nkey|url/i.test(name);
}

/** Names of variables can be of any length, and hold what no character is. */
const MAX_SHOWN_CHARS = 100;

function withoutSettings({ settings: _settings, ...others }: Partial<ConfigInput>): Partial<ConfigInput> {
  return others;
}
