/** `converge dev --auth`: servers that know who is who, and learn of changes while they run. */
import { watch } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AuthFolder, NATS_FILE } from '../auth/auth-folder.ts';
import {
  begin,
  type CredentialFiles,
  credentialFiles,
  readRedisPasswords,
  redisUrls,
} from '../auth/begin.ts';
import { REDIS_WORKER, type RedisPasswords } from '../auth/redis-acl.ts';
import { ConfigurationError } from '../lib/errors.ts';
import { after, type Timer } from '../lib/timers.ts';
import type { RunningServer, ServersOptions } from '../servers/index.ts';
import type { Config } from '../workers/config.ts';

export interface DevAuth {
  readonly folder: AuthFolder;
  readonly files: CredentialFiles;
  readonly passwords: RedisPasswords;
}

/** Opens the folder of identities beside the data, or begins it. */
export async function openDevAuth(dataDir: string, { namespace, shards }: Config): Promise<DevAuth> {
  const folder = new AuthFolder(join(dataDir, 'auth'));
  if (!(await folder.exists())) {
    if (await isThere(join(dataDir, 'nats', 'jetstream', '$G')))
      throw new ConfigurationError(
        `${dataDir} holds a system without identities: --auth needs another --data-dir`,
      );
    await begin(folder, { namespace, shards, redisUrl: 'redis://127.0.0.1' });
  }
  const register = await folder.read();
  if (register.namespace !== namespace || register.shards !== shards) {
    throw new ConfigurationError(
      `${folder.path} is for namespace ${register.namespace} with ${register.shards} shards, the configuration says ${namespace} and ${shards}`,
    );
  }
  const files = credentialFiles(folder);
  return { folder, files, passwords: await readRedisPasswords(files.redis) };
}

/** Data created with --auth is in another account of NATS: without --auth it would look empty. */
export async function refuseForgottenAuth(dataDir: string): Promise<void> {
  if (await new AuthFolder(join(dataDir, 'auth')).exists())
    throw new ConfigurationError(`${dataDir} holds a system with identities: start it with --auth`);
}

/** For the servers: both with the generated configuration and nothing else. */
export async function serversWithAuth({
  folder,
  passwords,
}: DevAuth): Promise<Pick<ServersOptions, 'nats' | 'redis'>> {
  return {
    nats: { changing: () => readFile(folder.natsFile, 'utf8') },
    redis: {
      acl: await readFile(folder.redisFile, 'utf8'),
      user: { name: REDIS_WORKER, password: passwords.worker },
    },
  };
}

/** The settings that a worker needs for these servers. */
export function workerAccess(
  { files, passwords }: DevAuth,
  redisUrl: string,
): Pick<Config, 'auth' | 'natsNkey' | 'redisUrl' | 'bullRedisUrl'> {
  const urls = redisUrls(redisUrl, passwords);
  return {
    auth: true,
    natsNkey: files.worker,
    redisUrl: urls.CONVERGE_REDIS_URL,
    bullRedisUrl: urls.CONVERGE_BULL_REDIS_URL,
  };
}

const SETTLED_AFTER_MS = 50;

/** Lets the server reload whenever `converge auth` has changed something. Returns how to stop that. */
export function reloadOnChange(
  { folder }: DevAuth,
  nats: RunningServer,
  say: (line: string) => void,
): () => void {
  let timer: Timer | undefined;
  const watcher = watch(folder.path, { persistent: false }, (_event, file) => {
    if (file !== NATS_FILE) return;
    timer?.cancel();
    timer = after(SETTLED_AFTER_MS, () => {
      nats.reload().then(
        () => say('the identities have changed: NATS reloads them'),
        (error) => say(`could not reload the identities in NATS: ${String(error)}`),
      );
    });
  });
  watcher.on('error', (error) => say(`changes of ${folder.path} are no longer noticed: ${error.message}`));
  return () => {
    timer?.cancel();
    watcher.close();
  };
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
