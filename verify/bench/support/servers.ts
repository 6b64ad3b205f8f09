/** Redis and NATS for one section: new ones, so that no section inherits what another one stored. */
import { rmSync } from 'node:fs';
import { type Servers, startServers, temporaryDataDir } from '../../../src/servers/index.ts';

/** Where servers are found may be said; servers that run already would not be alone. */
const KEPT = new Set(['CONVERGE_REDIS_SERVER', 'CONVERGE_NATS_SERVER', 'CONVERGE_NO_INSTALL']);

/** Settings of somebody else's workers and servers are not for these. */
export function ownEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('CONVERGE_') || KEPT.has(name)),
  );
}

/** A system reserves its room on the disk: several of them, and those of a small machine, must find theirs. */
export const ROOM = {
  logMaxBytes: 2 ** 30,
  eventsMaxBytes: 2 * 2 ** 30,
  snapshotsMaxBytes: 2 ** 28,
} as const;

export interface BenchServers {
  readonly redis: { readonly url: string; readonly pid: number; readonly version: string };
  readonly nats: { readonly url: string; readonly pid: number; readonly version: string };
  readonly dataDir: string;
}

/** Who hears of the progress, and who notes what the servers say about themselves. */
interface ServersContext {
  readonly say: (line: string) => void;
  readonly notes: { noteServers(servers: BenchServers): Promise<void> };
}

export async function withServers<T>(
  { say, notes }: ServersContext,
  use: (servers: BenchServers) => Promise<T>,
): Promise<T> {
  const dataDir = await temporaryDataDir('converge-bench');
  const remove = (): void => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  // Once before and once after the net that ends the servers: see the demo's cluster.
  process.on('exit', remove);
  let servers: Servers | undefined;
  try {
    servers = await startServers({ dataDir, env: ownEnv(process.env), log: say });
    process.on('exit', remove);
    const described = { redis: description(servers.redis), nats: description(servers.nats), dataDir };
    await notes.noteServers(described);
    return await use(described);
  } finally {
    await servers?.stop();
    remove();
    process.removeListener('exit', remove).removeListener('exit', remove);
  }
}

function description({ url, pid, product, version }: Servers['redis']): BenchServers['redis'] {
  // A server in a container has no process id here: its CPU time is then not measured.
  return { url, pid: pid ?? -1, version: `${product} ${version}` };
}
