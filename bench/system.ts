import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Servers, startServers, temporaryDataDir } from '../src/servers/index.ts';

export interface BenchSystem {
  readonly servers: Servers;
  readonly worker: ChildProcess;
  stop(): Promise<void>;
}

/** Servers of its own, and one worker process beside the one that measures. */
export async function startSystem(env: Readonly<Record<string, string>> = {}): Promise<BenchSystem> {
  const dataDir = await temporaryDataDir('converge-bench');
  const servers = await startServers({ dataDir });
  const worker = spawn(process.execPath, [fileURLToPath(new URL('./worker-process.js', import.meta.url))], {
    env: {
      ...process.env,
      CONVERGE_NATS_URL: servers.nats.url,
      CONVERGE_REDIS_URL: servers.redis.url,
      CONVERGE_LOG_LEVEL: 'warn',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(createInterface({ input: worker.stdout }), 'line');
  return {
    servers,
    worker,
    async stop() {
      const ended = once(worker, 'exit');
      worker.kill('SIGTERM');
      await ended;
      await servers.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
