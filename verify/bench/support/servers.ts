/** Redis and NATS for one section: new ones, so that no section inherits what another one stored. */
import type { Servers } from '../../../src/servers/index.ts';
import { OwnSystem } from '../../kit/system/own-system.ts';

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
  await using system = await OwnSystem.start({ name: 'bench', env: process.env, log: say });
  const { dataDir, servers } = system;
  const described = { redis: description(servers.redis), nats: description(servers.nats), dataDir };
  await notes.noteServers(described);
  return await use(described);
}

function description({ url, pid, product, version }: Servers['redis']): BenchServers['redis'] {
  // A server in a container has no process id here: its CPU time is then not measured.
  return { url, pid: pid ?? -1, version: `${product} ${version}` };
}
