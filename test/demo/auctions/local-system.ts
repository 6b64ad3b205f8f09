/** Servers of its own and one worker, for as long as a replay takes. */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { System } from '../../../demo/auctions/replay.ts';
import { DEFAULT_NAMESPACE } from '../../../src/protocol/subjects.ts';
import { type Servers, startServers, temporaryDataDir } from '../../../src/servers/index.ts';
import { parseConfig } from '../../../src/workers/config.ts';
import { type RunningWorker, startWorker } from '../../../src/workers/process/worker.ts';

export interface LocalSystem extends System, AsyncDisposable {}

const SHARDS = 8;
const POLL_MS = 20;

/** `env` says which servers to use; see `src/servers`. */
export async function startLocalSystem(
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<LocalSystem> {
  const dataDir = await temporaryDataDir('converge-auctions');
  let servers: Servers | undefined;
  let worker: RunningWorker | undefined;
  const stop = async (): Promise<void> => {
    await worker?.stop();
    await servers?.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    servers = await startServers({ dataDir, env, log: say });
    const { nats, redis } = servers;
    // What others keep on servers of theirs is left alone.
    const isShared = nats.source === 'url' || redis.source === 'url';
    const namespace = isShared ? `demo-${randomBytes(6).toString('hex')}` : DEFAULT_NAMESPACE;
    const natsUrl = nats.url;
    const of = { namespace, natsUrl, redisUrl: redis.url, shards: SHARDS };
    worker = await startWorker(parseConfig({ ...of, logLevel: 'warn', httpPort: -1 }));
    while (worker.notReady().length > 0 || worker.shards.length < SHARDS) await delay(POLL_MS);
    return { natsUrl, namespace, shards: SHARDS, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
