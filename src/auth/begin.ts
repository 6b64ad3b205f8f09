/** Everything that a new system with identities needs: a worker, an operator, and the users of Redis, in one folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AuthFolderError, messageOf } from '../lib/errors.ts';
import type { Identity } from '../protocol/identity.ts';
import { type AuthFolder, contentOf, replaceFile, writeNew } from './auth-folder.ts';
import { REDIS_BULLMQ, REDIS_WORKER, type RedisPasswords, redisUrlAs } from './redis-acl.ts';

export interface CredentialFiles {
  readonly worker: string;
  readonly operator: string;
  readonly redis: string;
}

export interface BeginOptions {
  readonly namespace: string;
  readonly logStreams?: number;
  readonly shards: number;
  readonly redisUrl: string;
}

export type Begun = readonly (Identity & { readonly publicKey: string })[];

export function credentialFiles(folder: AuthFolder): CredentialFiles {
  const file = (name: string): string => join(folder.path, 'credentials', name);
  return { worker: file('worker.nk'), operator: file('operator.nk'), redis: file('redis.env') };
}

/** Overwrites nothing. Returns whom it has added. */
export async function begin(
  folder: AuthFolder,
  { namespace, shards, logStreams = 1, redisUrl }: BeginOptions,
): Promise<Begun> {
  const files = credentialFiles(folder);
  // Looked at before anything is made: half a folder helps nobody.
  if (!(await folder.exists()))
    await refuseLeftovers([files.worker, files.operator, files.redis, folder.redisFile]);
  await folder.init(namespace, shards, logStreams);
  const worker = await folder.add({ role: 'worker', name: 'worker' }, { file: files.worker });
  const operator = await folder.add({ role: 'operator', name: 'operator' }, { file: files.operator });
  await folder.renewRedis(false, (passwords) => writeNew(files.redis, redisEnvironment(redisUrl, passwords)));
  return [worker, operator].map(({ role, name, publicKey }) => ({ role, name, publicKey }));
}

async function refuseLeftovers(files: readonly string[]): Promise<void> {
  for (const file of files) {
    if ((await contentOf(file)) !== undefined)
      throw new AuthFolderError(
        'file_exists',
        `${file} exists, but the register that it belongs to does not`,
      );
  }
}

/** New passwords, kept in `file`, which must not exist, and in the folder's own environment file, if it has one. */
export async function renewRedis(
  folder: AuthFolder,
  { redisUrl, isReplacing, file }: RenewOptions,
): Promise<{ readonly url: string; readonly passwords: RedisPasswords }> {
  const own = credentialFiles(folder).redis;
  const before = await contentOf(own);
  const url = redisUrl ?? urlIn(before) ?? DEFAULT_REDIS_URL;
  const passwords = await folder.renewRedis(isReplacing, async (made) => {
    const text = redisEnvironment(url, made);
    if (file !== undefined) await writeNew(file, text);
    if (before !== undefined) await replaceFile(own, text);
  });
  return { url, passwords };
}

export interface RenewOptions {
  /** Left out: where the folder's environment file says that it is. */
  readonly redisUrl: string | undefined;
  readonly isReplacing: boolean;
  readonly file: string | undefined;
}

const DEFAULT_REDIS_URL = 'redis://127.0.0.1:6379';

function urlIn(environment: string | undefined): string | undefined {
  return /^CONVERGE_REDIS_URL=(.+)$/m.exec(environment ?? '')?.[1];
}

/** The URLs of Redis as its users, by the names of the settings. */
export function redisUrls(url: string, { worker, bullmq }: RedisPasswords) {
  return {
    CONVERGE_REDIS_URL: redisUrlAs(url, REDIS_WORKER, worker),
    CONVERGE_BULL_REDIS_URL: redisUrlAs(url, REDIS_BULLMQ, bullmq),
  };
}

export function redisEnvironment(url: string, passwords: RedisPasswords): string {
  return Object.entries(redisUrls(url, passwords))
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** The passwords that {@link redisEnvironment} wrote. */
export async function readRedisPasswords(file: string): Promise<RedisPasswords> {
  try {
    const lines = (await readFile(file, 'utf8')).split('\n');
    const passwordIn = (name: string): string =>
      decodeURIComponent(
        new URL(lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? '').password,
      );
    return { worker: passwordIn('CONVERGE_REDIS_URL'), bullmq: passwordIn('CONVERGE_BULL_REDIS_URL') };
  } catch (error) {
    throw new AuthFolderError('unreadable', `${file} does not hold the URLs of Redis: ${messageOf(error)}`);
  }
}
