/** Real servers for the tests of one file. */
import { afterAll, beforeAll } from 'vitest';
import { decideMapping } from '../../src/protocol/subjects.ts';
import type { Servers } from '../../src/servers/index.ts';
import { OwnSystem } from '../../verify/kit/system/own-system.ts';

export const SHARDS = 4;
/** Bytes for a log: what the disk of a test machine has room for, many times over. */
export const LITTLE_ROOM = 64 * 1024 * 1024;

export interface FileServers {
  readonly running: Servers;
  /** The environment of a command that is to use them. */
  readonly env: Readonly<Record<string, string>>;
}

export function useServers(): FileServers {
  let system: OwnSystem | undefined;
  beforeAll(async () => {
    const natsConfig = decideMapping('converge', SHARDS);
    system = await OwnSystem.start({ name: 'cli-test', env: process.env, natsConfig });
  });
  afterAll(() => system?.stop());
  const there = (): Servers => {
    if (system === undefined) throw new Error('the servers are not started');
    return system.servers;
  };
  return {
    get running() {
      return there();
    },
    get env() {
      return {
        CONVERGE_NATS_URL: there().nats.url,
        CONVERGE_REDIS_URL: there().redis.url,
        CONVERGE_LOG_MAX_BYTES: String(LITTLE_ROOM),
        CONVERGE_EVENTS_MAX_BYTES: String(LITTLE_ROOM),
        CONVERGE_SNAPSHOTS_MAX_BYTES: String(LITTLE_ROOM),
      };
    },
  };
}
