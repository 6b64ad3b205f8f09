/** Who may come in: everybody, or, with --auth, whoever was admitted, each with a key of its own. */
import { readFile } from 'node:fs/promises';
import { AuthFolder, type Credentials } from '../../../src/auth/auth-folder.ts';
import { begin, credentialFiles, readRedisPasswords, redisUrls } from '../../../src/auth/begin.ts';
import { REDIS_WORKER } from '../../../src/auth/redis-acl.ts';
import { closeNats, connectNats } from '../../../src/bus/connection.ts';
import type { NatsCredentials } from '../../../src/bus/credentials.ts';
import { NotAuthorizedError, UnavailableError } from '../../../src/lib/errors.ts';
import { sleep } from '../../../src/lib/timers.ts';
import type { Grantee } from '../../../src/protocol/permissions.ts';
import type { Servers, ServersOptions } from '../../../src/servers/index.ts';

export interface Access {
  /** Resolves when all of them can connect. */
  admit(grantees: readonly Grantee[]): Promise<void>;
  /** Undefined where everybody may come in. */
  credentialsOf(name: string): NatsCredentials | undefined;
}

export const OPEN_ACCESS: Access = {
  admit: async () => undefined,
  credentialsOf: () => undefined,
};

const ADMITTED_WITHIN_MS = 10_000;
const POLL_MS = 50;

/** Identities, the servers' configuration that is made of them, and what workers have to be told. */
export class KeyedAccess implements Access {
  readonly #folder: AuthFolder;
  readonly #credentials = new Map<string, Credentials>();
  #nats: Servers['nats'] | undefined;

  static async make(path: string, namespace: string, shards: number): Promise<KeyedAccess> {
    const folder = new AuthFolder(path);
    await begin(folder, { namespace, shards, redisUrl: 'redis://127.0.0.1' });
    return new KeyedAccess(folder);
  }

  private constructor(folder: AuthFolder) {
    this.#folder = folder;
  }

  async servers(): Promise<Pick<ServersOptions, 'nats' | 'redis'>> {
    const passwords = await readRedisPasswords(credentialFiles(this.#folder).redis);
    return {
      nats: { changing: () => readFile(this.#folder.natsFile, 'utf8') },
      redis: {
        acl: await readFile(this.#folder.redisFile, 'utf8'),
        user: { name: REDIS_WORKER, password: passwords.worker },
      },
    };
  }

  /** One who could come in so far cannot any more, once the server has read it. */
  async revoke(name: string): Promise<void> {
    await this.#folder.revoke(name);
    await this.#nats?.reload();
  }

  get folder(): AuthFolder {
    return this.#folder;
  }

  guard({ nats }: Servers): void {
    this.#nats = nats;
  }

  async workerEnv(redisUrl: string): Promise<NodeJS.ProcessEnv> {
    const files = credentialFiles(this.#folder);
    return {
      ...redisUrls(redisUrl, await readRedisPasswords(files.redis)),
      CONVERGE_AUTH: 'true',
      CONVERGE_NATS_NKEY: files.worker,
    };
  }

  async admit(grantees: readonly Grantee[]): Promise<void> {
    const added = await this.#folder.addAll(grantees);
    for (const credentials of added) this.#credentials.set(credentials.name, credentials);
    await this.#nats?.reload();
    const last = added.at(-1);
    if (last !== undefined) await this.#untilKnown(last.name);
  }

  credentialsOf(name: string): NatsCredentials {
    const credentials = this.#credentials.get(name);
    if (credentials === undefined) throw new Error(`${name} was not admitted`);
    const { role, seed } = credentials;
    return { seed, identity: { role, name } };
  }

  /** The server reads its configuration again when it comes to it. */
  async #untilKnown(name: string): Promise<void> {
    const deadline = performance.now() + ADMITTED_WITHIN_MS;
    for (;;) {
      try {
        const url = this.#nats?.url ?? '';
        return await closeNats(await connectNats({ url, name, credentials: this.credentialsOf(name) }));
      } catch (error) {
        const mayPass = error instanceof NotAuthorizedError || error instanceof UnavailableError;
        if (!mayPass || performance.now() > deadline) throw error;
      }
      await sleep(POLL_MS);
    }
  }
}
