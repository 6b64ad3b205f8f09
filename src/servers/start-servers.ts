import { join } from 'node:path';
import { type Host, thisHost } from './host.ts';
import { type NatsOptions, startNats } from './nats.ts';
import { type RedisOptions, startRedis } from './redis.ts';
import type { Environment, RunningServer } from './running-server.ts';
import type { CommonOptions } from './start-server.ts';

export interface ServersOptions {
  /** Each server gets a folder of its own in here: `redis` and `nats`. */
  readonly dataDir: string;
  readonly env?: Environment | undefined;
  readonly log?: ((line: string) => void) | undefined;
  readonly startDeadlineMs?: number | undefined;
  readonly mayInstall?: boolean | undefined;
  readonly redis?: Omit<RedisOptions, keyof ServersOptions> | undefined;
  readonly nats?: Omit<NatsOptions, keyof ServersOptions> | undefined;
  /** Short for `nats.config`. */
  readonly natsConfig?: string | undefined;
}

export interface Servers {
  readonly redis: RunningServer;
  readonly nats: RunningServer;
  stop(): Promise<void>;
}

/** Starts both servers at the same time. If one does not come up, the other one is stopped again. */
export async function startServers(options: ServersOptions, host: Host = thisHost): Promise<Servers> {
  const common = (name: string): CommonOptions => ({
    dataDir: join(options.dataDir, name),
    env: options.env,
    log: options.log,
    startDeadlineMs: options.startDeadlineMs,
    mayInstall: options.mayInstall,
  });
  const started = await Promise.allSettled([
    startRedis({ ...options.redis, ...common('redis') }, host),
    startNats({ config: options.natsConfig, ...options.nats, ...common('nats') }, host),
  ]);
  const running = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const [redis, nats] = running;
  if (redis !== undefined && nats !== undefined) return { redis, nats, stop: () => stopAll(running) };
  await stopAll(running);
  throw firstReason(started);
}

/** Stops every server, even if stopping one of them fails, and then tells. */
async function stopAll(servers: readonly RunningServer[]): Promise<void> {
  const stopped = await Promise.allSettled(servers.map((server) => server.stop()));
  if (stopped.some((each) => each.status === 'rejected')) throw firstReason(stopped);
}

function firstReason(results: readonly PromiseSettledResult<unknown>[]): unknown {
  return results.find((each) => each.status === 'rejected')?.reason;
}
