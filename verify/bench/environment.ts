/** On what was measured: figures without it mean nothing. */
import { cpus, loadavg, totalmem } from 'node:os';
import { connectForReads, openRedis } from '../../src/state/redis.ts';
import type { BenchServers } from './support/servers.ts';

export interface Environment {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly nats: string;
  readonly redis: string;
  readonly postgres: string;
  readonly persistence: { readonly redis: string; readonly nats: string; readonly postgres: string };
  /** One-minute load: what else the machine did before, and all of it after. */
  readonly loadAverage: { readonly before: number; readonly after: number };
  /** Said when others kept the machine busy: then the figures say little. */
  readonly warning?: string;
  readonly startedAt: string;
}

const NOT_STARTED = 'not started';

/** Of the cores, by the load before the first section. */
const BUSY_SHARE = 0.5;
const BUSY =
  'the machine was busy with other things before the first round: figures are lower and less steady';

/** Collects what the servers say about themselves. */
export class EnvironmentNotes {
  postgres = NOT_STARTED;
  #redis = NOT_STARTED;
  #nats = NOT_STARTED;
  #redisPersistence = NOT_STARTED;
  readonly #loadBefore = loadavg()[0] ?? Number.NaN;
  readonly #startedAt = new Date().toISOString();

  async noteServers({ redis, nats }: BenchServers): Promise<void> {
    this.#redis = redis.version;
    this.#nats = nats.version;
    const connection = await openRedis(connectForReads(redis.url));
    const setting = async (name: string): Promise<string> => (await connection.config('GET', name))[1] ?? '?';
    this.#redisPersistence = `appendonly ${await setting('appendonly')}, appendfsync ${await setting('appendfsync')}`;
    connection.disconnect();
  }

  environment(): Environment {
    return {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      node: process.version,
      nats: this.#nats,
      redis: this.#redis,
      postgres: this.postgres,
      persistence: {
        redis: `${this.#redisPersistence}; the same server for ours, BullMQ, bee-queue and the raw pipe`,
        nats: 'JetStream in files, one replica, written at once and synced every two minutes (the default)',
        postgres: POSTGRES_PERSISTENCE,
      },
      loadAverage: { before: this.#loadBefore, after: loadavg()[0] ?? Number.NaN },
      ...(this.#loadBefore > BUSY_SHARE * cpus().length ? { warning: BUSY } : {}),
      startedAt: this.#startedAt,
    };
  }
}

export const POSTGRES_PERSISTENCE =
  'fsync on, synchronous_commit off: what was committed in the last fraction of a second can be lost with the ' +
  'machine, as with appendfsync everysec';
