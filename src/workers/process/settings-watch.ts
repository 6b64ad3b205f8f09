/**
 * Do all live workers have the same settings? Those that travel in the log would otherwise be set by whichever worker
 * sweeps, now one worker's and now the other's: while they differ nobody brings any, and what is in force stays so. Each
 * worker writes its own down beside the others' and counts; whose count stands still for a while is no worker any more.
 */
import type { Logger } from 'pino';
import { messageOf } from '../../lib/errors.ts';
import { Periodic } from '../../lib/periodic.ts';
import { isObject, parseJson } from '../../protocol/json.ts';
import type { Redis } from '../../state/redis.ts';
import type { Config } from '../config.ts';
import type { Alarms } from '../health/alarms.ts';

export interface SettingsWatchOptions {
  readonly redis: Redis;
  /** Hash: worker → its settings. */
  readonly key: string;
  readonly worker: string;
  readonly config: Config;
  readonly alarms: Pick<Alarms, 'raise' | 'clear'>;
  readonly logger: Logger;
}

/** Of the system, not of one worker: these have to be the same everywhere. */
const SHARED = [
  'auth',
  'leaseMs',
  'sweepEveryMs',
  'logMaxBytes',
  'eventsMaxBytes',
  'eventsMaxAgeMs',
  'deadLettersMaxCount',
  'deadLettersMaxAgeMs',
  'dedupeWindowMs',
  'snapshotsMaxBytes',
  'logRetentionMs',
  'replicas',
] as const satisfies readonly (keyof Config)[];

const LOOK_MS = 2_000;
/** How many checks a worker's counter may stand still: a busy worker is late, not gone. */
const MOST_STILL_LOOKS = 5;
const MOST_NAMED = 8;

type Values = Readonly<Record<string, unknown>>;

interface Other {
  readonly text: string;
  still: number;
}

export class SettingsWatch {
  readonly #options: SettingsWatchOptions;
  readonly #own: { readonly settings: Values; readonly shared: Values };
  readonly #others = new Map<string, Other>();
  #count = 0;
  readonly #checks: Periodic;
  #isAgreed = true;

  constructor(options: SettingsWatchOptions) {
    this.#options = options;
    this.#checks = new Periodic({
      everyMs: LOOK_MS,
      run: () => this.check(),
      onError: (error) => this.#failed(error),
    });
    const { config } = options;
    this.#own = {
      settings: config.settings,
      shared: Object.fromEntries(SHARED.map((name) => [name, config[name]])),
    };
  }

  /** No live worker has other settings of those that travel in the log. */
  get isAgreed(): boolean {
    return this.#isAgreed;
  }

  /** Resolves after the first check: a new worker must not sweep before. */
  async start(): Promise<void> {
    await this.check().catch((error) => this.#failed(error));
    this.#checks.start();
  }

  async close(): Promise<void> {
    void this.#checks.stop();
    const { redis, key, worker } = this.#options;
    await redis.hdel(key, worker).catch(() => undefined);
  }

  #failed(error: unknown): void {
    this.#options.logger.debug({ reason: messageOf(error) }, 'could not compare the settings');
  }

  async check(): Promise<void> {
    const { redis, key, worker } = this.#options;
    await redis.hset(key, worker, JSON.stringify({ count: this.#count++, ...this.#own }));
    const all = await redis.hgetall(key);
    for (const name of this.#others.keys()) if (!(name in all)) this.#others.delete(name);
    const differing: string[] = [];
    let isAgreed = true;
    for (const [name, text] of Object.entries(all)) {
      if (name === worker || !(await this.#isAlive(name, text))) continue;
      const theirs = valuesOf(text);
      const inLog = differences(this.#own.settings, theirs.settings);
      if (inLog.length > 0) isAgreed = false;
      for (const each of [...inLog, ...differences(this.#own.shared, theirs.shared)]) {
        differing.push(`${each} of ${name}`);
      }
    }
    this.#isAgreed = isAgreed;
    this.#tell(differing);
  }

  async #isAlive(name: string, text: string): Promise<boolean> {
    const { redis, key } = this.#options;
    const known = this.#others.get(name);
    if (known?.text !== text) {
      this.#others.set(name, { text, still: 0 });
      return true;
    }
    known.still++;
    if (known.still <= MOST_STILL_LOOKS) return true;
    await redis.hdel(key, name);
    return false;
  }

  #tell(differing: readonly string[]): void {
    const { alarms, worker } = this.#options;
    if (differing.length === 0) {
      alarms.clear('settings_differ', undefined);
      return;
    }
    const named = differing.slice(0, MOST_NAMED).join('; ');
    const more = differing.length > MOST_NAMED ? `; and ${differing.length - MOST_NAMED} more` : '';
    alarms.raise(
      'settings_differ',
      undefined,
      'workers have different settings; those in force stay until they agree',
      { reason: `${named}${more} (this is ${worker})` },
    );
  }
}

function valuesOf(text: string): { readonly settings: Values; readonly shared: Values } {
  const { value } = parseJson(Buffer.from(text));
  const { settings, shared } = isObject(value) ? value : {};
  return { settings: isObject(settings) ? settings : {}, shared: isObject(shared) ? shared : {} };
}

/** `CONVERGE_LEASE_MS 3000 here, 5000`: by the name of the variable. */
function differences(own: Values, theirs: Values): string[] {
  return [...new Set([...Object.keys(own), ...Object.keys(theirs)])]
    .filter((name) => JSON.stringify(own[name]) !== JSON.stringify(theirs[name]))
    .map((name) => `${variable(name)} is ${shown(own[name])} here and ${shown(theirs[name])}`);
}

function variable(name: string): string {
  return `CONVERGE_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function shown(value: unknown): string {
  return value === undefined ? 'not set' : String(value);
}
