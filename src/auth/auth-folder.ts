/**
 * The folder that `converge auth` keeps: the register of who may connect, what is made of it for the servers, and
 * credentials that were written to files. Nobody but its owner can look into it. Seeds and passwords are told once.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { AuthFolderError } from '../lib/errors.ts';
import { sleep } from '../lib/timers.ts';
import type { Identity } from '../protocol/identity.ts';
import type { Grantee } from '../protocol/permissions.ts';
import { seedFileText } from '../protocol/seed-file.ts';
import { natsAccounts } from './nats-accounts.ts';
import { type RedisPasswords, redisAcl } from './redis-acl.ts';
import { parseRegister, type Register, withKey, withoutKey } from './register.ts';

export const REGISTER_FILE = 'auth.json';
export const NATS_FILE = 'nats-accounts.conf';
export const REDIS_FILE = 'redis-users.acl';
const LOCK_FILE = 'auth.lock';

/** What is told once. */
export interface Credentials extends Identity {
  readonly publicKey: string;
  readonly seed: string;
}

export interface AddOptions {
  readonly isFurtherKey?: boolean | undefined;
  /** A file to write the seed to; it must not exist. Without it the caller gets the seed. */
  readonly file?: string | undefined;
}

export interface AuthFolderOptions {
  /** How long to wait while another one is at work in the folder, milliseconds (5,000). */
  readonly waitMs?: number | undefined;
}

const LOCK_POLL_MS = 20;

export class AuthFolder {
  readonly path: string;
  readonly #waitMs: number;

  constructor(path: string, { waitMs = 5_000 }: AuthFolderOptions = {}) {
    this.path = path;
    this.#waitMs = waitMs;
  }

  get natsFile(): string {
    return join(this.path, NATS_FILE);
  }

  get redisFile(): string {
    return join(this.path, REDIS_FILE);
  }

  async exists(): Promise<boolean> {
    return (await contentOf(join(this.path, REGISTER_FILE))) !== undefined;
  }

  /** An empty register for a system. Fails if there already is one. */
  async init(namespace: string, shards: number, logStreams = 1): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    await this.#locked(async () => {
      if (await this.exists())
        throw new AuthFolderError(
          'already_initialised',
          `${this.path} already has a register; it is not overwritten`,
        );
      await this.#write({ version: 1, namespace, shards, logStreams, identities: [] });
    });
  }

  async read(): Promise<Register> {
    const file = join(this.path, REGISTER_FILE);
    const text = await contentOf(file);
    if (text === undefined)
      throw new AuthFolderError(
        'not_initialised',
        `there is no register in ${this.path}: create one with converge auth init`,
      );
    return parseRegister(text, file);
  }

  /** A new key for a new name, or a further one for a known name. */
  async add(grantee: Grantee, options: AddOptions = {}): Promise<Credentials> {
    const [credentials] = await this.#addAll([grantee], options);
    if (credentials === undefined) throw new Error('one was added');
    return credentials;
  }

  /** Several new names at once: all of them, or none. */
  async addAll(grantees: readonly Grantee[]): Promise<readonly Credentials[]> {
    return await this.#addAll(grantees, {});
  }

  async #addAll(grantees: readonly Grantee[], options: AddOptions): Promise<readonly Credentials[]> {
    return await this.#locked(async () => {
      const now = new Date();
      const added: Credentials[] = [];
      let changed = await this.read();
      for (const { role, name, events } of grantees) {
        const credentials = newCredentials({ role, name });
        added.push(credentials);
        const isFurtherKey = options.isFurtherKey === true;
        changed = withKey(changed, { role, name, key: credentials.publicKey, events, isFurtherKey, now });
      }
      // First the secrets: a key that nobody has is worse than a file that nobody needs.
      for (const credentials of added)
        if (options.file !== undefined)
          await writeNew(options.file, seedFileText(credentials, credentials.seed));
      await this.#write(changed);
      return added;
    });
  }

  /** The identity with all its keys, or one key of it. */
  async revoke(name: string, key?: string): Promise<void> {
    await this.#locked(async () => await this.#write(withoutKey(await this.read(), name, key)));
  }

  /**
   * New passwords for both users of Redis; those from before are good no more. `keep` puts them where they are wanted:
   * when it cannot, those from before stay.
   */
  async renewRedis(
    isReplacing: boolean,
    keep: (passwords: RedisPasswords) => Promise<void>,
  ): Promise<RedisPasswords> {
    return await this.#locked(async () => {
      const { namespace } = await this.read();
      if (!isReplacing && (await contentOf(this.redisFile)) !== undefined)
        throw new AuthFolderError(
          'file_exists',
          `${this.redisFile} exists: pass --replace to make new passwords`,
        );
      const passwords = { worker: newPassword(), bullmq: newPassword() };
      await keep(passwords);
      await replaceFile(this.redisFile, redisAcl(namespace, passwords));
      return passwords;
    });
  }

  async #write(register: Register): Promise<void> {
    await replaceFile(join(this.path, REGISTER_FILE), `${JSON.stringify(register, undefined, 2)}\n`);
    await replaceFile(this.natsFile, natsAccounts(register));
  }

  /** Two commands at once would each write what the other one does not know. */
  async #locked<T>(work: () => Promise<T>): Promise<T> {
    const lock = join(this.path, LOCK_FILE);
    const deadline = performance.now() + this.#waitMs;
    while (!(await this.#take(lock))) {
      if (performance.now() >= deadline)
        throw new AuthFolderError('busy', `another converge auth is running; if none is, remove ${lock}`);
      await sleep(LOCK_POLL_MS * (0.5 + Math.random()));
    }
    try {
      return await work();
    } finally {
      await rm(lock, { force: true });
    }
  }

  async #take(lock: string): Promise<boolean> {
    try {
      await (await open(lock, 'wx', 0o600)).close();
      return true;
    } catch (error) {
      if (hasCode(error, 'ENOENT'))
        throw new AuthFolderError(
          'not_initialised',
          `there is no folder ${this.path}: create it with converge auth init`,
        );
      if (!hasCode(error, 'EEXIST')) throw error;
      return false;
    }
  }
}

/** A file that only its owner can read. Refuses one that exists. */
export async function writeNew(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  try {
    await writeFile(file, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (hasCode(error, 'EEXIST'))
      throw new AuthFolderError('file_exists', `${file} exists: it is not overwritten`);
    throw error;
  }
}

/** All of it or nothing: a server that reloads meanwhile reads the old text or the new one. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}`;
  try {
    // On the disk before it has the name: a machine that dies in between must not leave an empty register.
    await writeFile(draft, text, { mode: 0o600, flush: true });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

export async function contentOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function newCredentials({ role, name }: Identity): Credentials {
  const pair = createUser();
  return { role, name, publicKey: pair.getPublicKey(), seed: textOf(pair.getSeed()) };
}

function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
