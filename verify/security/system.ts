/** A real system on the generated configuration, with one of each role, a private pool, and something in it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from 'nats';
import { pino } from 'pino';
import { closeNats, connectNats } from '../../src/bus/connection.ts';
import { ConvergeClient } from '../../src/client/core/client.ts';
import { acceptedOrThrow } from '../../src/client/core/outcomes.ts';
import { NotAuthorizedError, UnavailableError } from '../../src/lib/errors.ts';
import type { Grantee } from '../../src/protocol/permissions.ts';
import { DEFAULT_NAMESPACE, type Subjects, subjects } from '../../src/protocol/subjects.ts';
import type { Servers } from '../../src/servers/index.ts';
import { type Config, type ConfigInput, configFromEnv } from '../../src/workers/config.ts';
import { type RunningWorker, startWorker } from '../../src/workers/process/worker.ts';
import type { KeyedAccess } from '../kit/system/access.ts';
import { OwnSystem } from '../kit/system/own-system.ts';

/** Admission by a list that names nobody but ann, who owns it and is its member. */
export const PRIVATE_POOL = 'vault';
export const PRIVATE_TASK = 'secret-task';
export const PRIVATE_DECISION = 'secret-decision';

/** `gus` has a grant to the events of the private pool, and is not its member; `rex` was admitted and revoked. */
export const CAST: readonly Grantee[] = [
  { role: 'agent', name: 'ann' },
  { role: 'agent', name: 'bob' },
  { role: 'agent', name: 'gus', events: [PRIVATE_POOL] },
  { role: 'agent', name: 'rex' },
  { role: 'observer', name: 'olga' },
  { role: 'operator', name: 'otto' },
  { role: 'worker', name: 'wanda' },
];

const SHARDS = 4;
const POLL_MS = 20;
const REVOKED_WITHIN_MS = 15_000;

export class SecuritySystem implements AsyncDisposable {
  readonly namespace = DEFAULT_NAMESPACE;
  readonly shards = SHARDS;
  readonly subjects: Subjects = subjects(DEFAULT_NAMESPACE);
  readonly access: KeyedAccess;
  readonly servers: Servers;
  readonly config: Config;
  readonly #own: OwnSystem;
  readonly #open: (() => Promise<void>)[] = [];
  #worker: RunningWorker | undefined;

  static async start(
    env: NodeJS.ProcessEnv,
    say: (line: string) => void,
    overrides: Partial<ConfigInput> = {},
  ): Promise<SecuritySystem> {
    const keys = { namespace: DEFAULT_NAMESPACE, shards: SHARDS };
    const own = await OwnSystem.start({ name: 'security', env, log: say, keys });
    const { access, servers } = own;
    if (access === undefined) throw new Error('the servers let everyone in');
    const config = configFromEnv(await access.workerEnv(servers.redis.url), {
      natsUrl: servers.nats.url,
      shards: SHARDS,
      leaseMs: 1_000,
      sweepEveryMs: 200,
      httpPort: -1,
      ...overrides,
      logMaxBytes: 256 * 1024 * 1024,
      eventsMaxBytes: 256 * 1024 * 1024,
    });
    const system = new SecuritySystem(own, access, config);
    try {
      await system.#begin();
      return system;
    } catch (error) {
      await system[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(own: OwnSystem, access: KeyedAccess, config: Config) {
    this.#own = own;
    this.access = access;
    this.servers = own.servers;
    this.config = config;
  }

  /** A connection as this name, closed at the end. Without a name: without credentials. */
  async connect(name: string | undefined): Promise<NatsConnection> {
    const credentials = name === undefined ? undefined : this.access.credentialsOf(name);
    const connection = await connectNats({ url: this.servers.nats.url, name: name ?? 'nobody', credentials });
    this.#open.push(() => closeNats(connection));
    return connection;
  }

  /** A client as this agent, observer or operator, closed at the end. */
  async client(name: string): Promise<ConvergeClient> {
    const client = await ConvergeClient.connect({
      agent: name,
      url: this.servers.nats.url,
      credentials: this.access.credentialsOf(name),
      shards: SHARDS,
      timeoutMs: 10_000,
    });
    this.#open.push(() => client.close());
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#open.splice(0)) await close();
    await this.#worker?.stop();
    await this.#own.stop();
  }

  async #begin(): Promise<void> {
    await this.access.admit(CAST);
    this.#worker = await startWorker(this.config, { logger: pino({ level: 'silent' }) });
    while (this.#worker.notReady().length > 0 || this.#worker.shards.length < SHARDS) await delay(POLL_MS);
    const ann = await this.client('ann');
    const admission = { kind: 'allowlist' as const, agents: ['ann'] };
    const taskId = PRIVATE_TASK;
    const objective = 'nobody else may know';
    const setUp = [
      await ann.decide(PRIVATE_POOL, { type: 'CreatePool', admission, submitters: 'members' }),
      await ann.decide(PRIVATE_POOL, { type: 'JoinPool' }),
      await ann.decide(PRIVATE_POOL, { type: 'SubmitTask', id: PRIVATE_DECISION, taskId, objective }),
    ];
    for (const outcome of setUp) acceptedOrThrow(outcome);
    await this.access.revoke('rex');
    await this.#untilRefused('rex');
  }

  async #untilRefused(name: string): Promise<void> {
    const deadline = performance.now() + REVOKED_WITHIN_MS;
    while (performance.now() < deadline) {
      try {
        const credentials = this.access.credentialsOf(name);
        await closeNats(await connectNats({ url: this.servers.nats.url, name, credentials }));
      } catch (error) {
        if (error instanceof NotAuthorizedError) return;
        // A server that reloads at this very moment may leave a connection hanging.
        if (!(error instanceof UnavailableError)) throw error;
      }
      await delay(POLL_MS);
    }
    throw new Error(`${name} can connect ${REVOKED_WITHIN_MS} ms after it was revoked`);
  }
}
