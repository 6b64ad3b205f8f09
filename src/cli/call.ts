/** One call of the command: what it was told, and where it can speak. */

import type { Readable, Writable } from 'node:stream';
import type { Command } from 'commander';
import type { Logger } from 'pino';
import { defined } from '../protocol/defined.ts';
import { type Config, type ConfigInput, configFromEnv } from '../workers/config.ts';
import type { GlobalOptions } from './global-options.ts';
import type { Output } from './output.ts';

/** The environment of the process: passed in, and read nowhere else. */
export interface Surroundings {
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** Runs a command's part in a call of it. The part answers the exit code. */
export type Run = (command: Command, part: (call: Call) => Promise<number>) => Promise<void>;

const STDERR = 2;

export class Call {
  readonly out: Output;
  readonly #surroundings: Surroundings;
  readonly #globals: GlobalOptions;

  constructor(surroundings: Surroundings, out: Output, globals: GlobalOptions) {
    this.#surroundings = surroundings;
    this.out = out;
    this.#globals = globals;
  }

  get env(): NodeJS.ProcessEnv {
    return this.#surroundings.env;
  }

  get cwd(): string {
    return this.#surroundings.cwd;
  }

  get stdin(): Readable {
    return this.#surroundings.stdin;
  }

  /** The environment with the servers that the options name, for who looks for them there. */
  get serverEnv(): NodeJS.ProcessEnv {
    const { nats, redis } = this.#globals;
    return {
      ...this.env,
      ...defined({ CONVERGE_NATS_URL: nats, CONVERGE_REDIS_URL: redis }),
    };
  }

  /** Was the number of shards said, or is it only the default? */
  get areShardsGiven(): boolean {
    return this.#globals.shards !== undefined || isSet(this.env.CONVERGE_SHARDS);
  }

  get isRedisGiven(): boolean {
    return isSet(this.serverEnv.CONVERGE_REDIS_URL);
  }

  get isLogLevelGiven(): boolean {
    return isSet(this.env.CONVERGE_LOG_LEVEL);
  }

  config(overrides: Partial<ConfigInput> = {}): Config {
    const { nats, redis, namespace, shards, creds, nkey, user, password, token, context } = this.#globals;
    // Credentials that are given stand for those of the environment, of whatever kind these are.
    const isGiven = [creds, nkey, user, token].some((each) => each !== undefined);
    return configFromEnv(isGiven ? withoutCredentials(this.env) : this.env, {
      ...defined({
        natsCreds: creds,
        natsNkey: nkey,
        natsUser: user,
        natsPassword: password,
        natsToken: token,
        natsContext: context,
        natsUrl: nats,
        redisUrl: redis,
        namespace,
        shards,
      }),
      ...overrides,
    });
  }

  /** Logs are talk: JSON lines on stderr, written at once, so that the last words before an end are not lost. */
  async logger(level: string): Promise<Logger> {
    const { pino } = await import('pino');
    return pino({ level }, pino.destination({ dest: STDERR, sync: true }));
  }
}

function withoutCredentials(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { CONVERGE_NATS_CREDS, CONVERGE_NATS_NKEY, CONVERGE_NATS_USER, CONVERGE_NATS_TOKEN, ...others } = env;
  return others;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
