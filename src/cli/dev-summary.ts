/** The text that `converge dev` prints when everything is up. */

import { DEFAULT_NAMESPACE, subjects } from '../protocol/subjects.ts';
import { withoutCredentials } from '../servers/given-server.ts';
import type { RunningServer, Servers } from '../servers/index.ts';
import { type Config, parseConfig } from '../workers/config.ts';
import type { RunningWorker } from '../workers/process/worker.ts';
import { type DevAuth, workerAccess } from './dev-auth.ts';
import { workerSummary } from './running-workers.ts';
import { aligned, indented } from './text.ts';

const DEFAULT_SHARDS = parseConfig({}).shards;

export interface DevSystem {
  readonly servers: Servers;
  readonly workers: readonly RunningWorker[];
  readonly config: Config;
  /** Undefined when everyone may do everything. */
  readonly auth: DevAuth | undefined;
  readonly dataDir: string;
  readonly isEphemeral: boolean;
}

export function devSummary(system: DevSystem): object {
  const { servers, workers, config, dataDir, isEphemeral } = system;
  const { namespace, shards } = config;
  return {
    pid: process.pid,
    nats: serverSummary(servers.nats),
    redis: serverSummary(servers.redis),
    workers: workers.map(workerSummary),
    dataDir,
    ephemeral: isEphemeral,
    namespace,
    shards,
    decide: subjects(namespace).decide('<pool>', '<agent>'),
    env: variables(system),
  };
}

export function devText(system: DevSystem): string {
  const { servers, workers, config } = system;
  const { namespace, shards } = config;
  const rows = [
    ['NATS', withoutCredentials(servers.nats.url), versionOf(servers.nats)],
    ['Redis', withoutCredentials(servers.redis.url), versionOf(servers.redis)],
    ...workers.map(({ id, healthUrl }) => [
      'worker',
      healthUrl ?? 'no health URL',
      `${id}: /livez /readyz /metrics`,
    ]),
    ...dataRows(system),
    [
      'system',
      namespace,
      `${shards} shards, decisions to ${subjects(namespace).decide('<pool>', '<agent>')}`,
    ],
  ];
  const lines = Object.entries(variables(system)).map(([name, value]) => `export ${name}=${value}`);
  const elsewhere = lines.length === 0 ? '' : `\n\nIn another terminal:\n\n${indented(lines.join('\n'))}`;
  return `Converge is running. Ctrl-C stops it.\n\n${indented(aligned(rows))}${elsewhere}\n`;
}

/** Servers that were given keep their data where they do. */
function dataRows({ servers, dataDir, isEphemeral }: DevSystem): string[][] {
  if (servers.nats.source === 'url' && servers.redis.source === 'url') return [];
  return [['data', dataDir, isEphemeral ? 'removed at the end' : 'kept']];
}

function serverSummary({ url, product, version, source, pid, dataDir }: RunningServer): object {
  return { url: withoutCredentials(url), product, version, source, pid, dataDir };
}

function versionOf({ product, version, source }: RunningServer): string {
  return `${product} ${version}${source === 'url' ? ', given by its URL' : ''}`;
}

/** The variables that another terminal lacks: given servers are already in its environment. */
function variables({ servers, config, auth }: DevSystem): Record<string, string> {
  const { namespace, shards, logStreams } = config;
  const redisUrl = auth === undefined ? servers.redis.url : workerAccess(auth, servers.redis.url).redisUrl;
  return {
    ...(servers.nats.source === 'url' ? {} : { CONVERGE_NATS_URL: servers.nats.url }),
    ...(servers.redis.source === 'url' ? {} : { CONVERGE_REDIS_URL: redisUrl }),
    ...(namespace === DEFAULT_NAMESPACE ? {} : { CONVERGE_NAMESPACE: namespace }),
    ...(shards === DEFAULT_SHARDS ? {} : { CONVERGE_SHARDS: String(shards) }),
    ...(logStreams === 1 ? {} : { CONVERGE_LOG_STREAMS: String(logStreams) }),
    ...(auth === undefined
      ? {}
      : { CONVERGE_NATS_NKEY: auth.files.operator, CONVERGE_AUTH_DIR: auth.folder.path }),
  };
}
