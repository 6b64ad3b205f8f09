/** Real servers for the tests of one file. */
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll } from 'vitest';
import { decideMapping } from '../../src/protocol/subjects.ts';
import { type Servers, startServers, temporaryDataDir } from '../../src/servers/index.ts';

export const SHARDS = 4;
/** Bytes for a log: what the disk of a test machine has room for, many times over. */
export const LITTLE_ROOM = 64 * 1024 * 1024;

export interface FileServers {
  readonly running: Servers;
  /** The environment of a command that is to use them. */
  readonly env: Readonly<Record<string, string>>;
}

export function useServers(): FileServers {
  let running: Servers | undefined;
  let dataDir = '';
  beforeAll(async () => {
    dataDir = await temporaryDataDir('converge-cli-test');
    running = await startServers({
      dataDir,
      // The servers of this machine, whatever the developer's environment points to.
      env: { ...process.env, CONVERGE_REDIS_URL: undefined, CONVERGE_NATS_URL: undefined },
      natsConfig: decideMapping('converge', SHARDS),
    });
  });
  afterAll(async () => {
    await running?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const there = (): Servers => {
    if (running === undefined) throw new Error('the servers are not started');
    return running;
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
