/** The starting point for authors of agents: one agent's connection to the system. Needs only NATS. */
import type { NatsConnection } from 'nats';
import { closeNats, connectNats } from '../../bus/connection.ts';
import { identityOf, isProof, type NatsCredentials, withProofIn } from '../../bus/credentials.ts';
import { DecisionPublisher, type DecisionPublisherOptions } from '../../bus/decision-publisher.ts';
import { type AskOptions, QueryClient } from '../../bus/query-client.ts';
import { ConfigurationError, PublishError, UnavailableError } from '../../lib/errors.ts';
import { shownSetting } from '../../lib/setting-fault.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import { askerName, type Identity, type Role } from '../../protocol/identity.ts';
import { isName, OPERATOR } from '../../protocol/names.ts';
import type { QueryAnswers, QueryInput, QueryName } from '../../protocol/queries.ts';
import { type Subjects, subjects } from '../../protocol/subjects.ts';
import { DecisionChannel, type Published, type Sent } from './decision-channel.ts';
import {
  type EncodedDecision,
  encodeDecision,
  encodeShardDecision,
  isUnsendable,
  localOutcome,
  type Unsendable,
} from './encode-decision.ts';
import { Endings } from './endings.ts';
import { EventFeed } from './event-feed.ts';
import type { EventOptions } from './event-options.ts';
import { uuidv7 } from './ids.ts';
import type { AnyDecisionInput, AnyOutcome, InputOf, OutcomeOf } from './outcomes.ts';
import { ShardCount } from './shard-count.ts';
import { timeoutOption } from './timeout-option.ts';

/** Who decides, and how the system is reached. */
export interface ClientOptions {
  /** Who decides. NATS permissions on subjects that end in this name are what proves it. */
  readonly agent: string;
  /** `nats://host:port`, several separated by commas. Either this or `connection`. */
  readonly url?: string | undefined;
  /** A connection of your own, which stays open when the client is closed. */
  readonly connection?: NatsConnection | undefined;
  /** Credentials, if the server requires them; see {@link NatsCredentials}. */
  readonly credentials?: NatsCredentials | undefined;
  /**
   * As what the server knows the connection: with it, queries are asked and events read under a name. Left out: as the
   * credentials say, `agent` where they do not, and nothing without credentials.
   */
  readonly role?: Exclude<Role, 'worker'> | undefined;
  /** `converge` when left out. */
  readonly namespace?: string | undefined;
  /** The number of shards that the system was created with. Asked for (query `stats`) when left out. */
  readonly shards?: number | undefined;
  /**
   * For how long the system remembers outcomes, milliseconds: asked for with the number of shards, 600,000 where that is
   * given. A decision that the log does not confirm is sent again for half of it at most.
   */
  readonly outcomeRetentionMs?: number | undefined;
  /** How long a decision waits for its outcome, milliseconds (30,000). */
  readonly timeoutMs?: number | undefined;
  /** Most decisions that wait for their outcome at once; others wait in line (8,192). */
  readonly maxOutstanding?: number | undefined;
  /** How long to wait for a result before asking for the outcome, milliseconds (1,000). */
  readonly askAfterMs?: number | undefined;
  /** Bounds and timeouts of publishing; see {@link DecisionPublisherOptions}. */
  readonly publisher?: Omit<DecisionPublisherOptions, 'connection'> | undefined;
  /** Chooses the ids of decisions and tasks that have none: UUIDv7 when left out. */
  readonly newId?: (() => string) | undefined;
}

/** How long a decision may take. */
export interface SendOptions {
  /** How long to wait, milliseconds; the client's `timeoutMs` when left out. */
  readonly timeoutMs?: number | undefined;
}

/** What an operator's sweep settles, and how much at once. */
export interface SweepOptions extends SendOptions {
  /** Settle only what fell due by then, milliseconds since the epoch; never beyond log time. */
  readonly until?: number | undefined;
  /** Most entities settled at once, up to 1,000 (500). */
  readonly limit?: number | undefined;
}

/**
 * Connects, or borrows the connection it is given. Rejects with an {@link UnavailableError} when NATS does not answer,
 * with a `NotAuthorizedError` when it does not know the credentials, with a `CredentialsError` when they are unusable.
 */
export function connect(options: ClientOptions): Promise<ConvergeClient> {
  return ConvergeClient.connect(options);
}

/**
 * One agent's connection: makes its decisions, asks queries, reads events. From {@link connect}; the managers stand on it.
 *
 * @example
 * const client = await connect({ url: 'nats://127.0.0.1:4222', agent: 'ada' });
 * const outcome = await client.decide('writers', { type: 'JoinPool', capabilities: ['english'] });
 * if (!isAccepted(outcome)) console.error(outcome.code, outcome.message);
 * await client.close();
 */
export class ConvergeClient {
  /** In whose name it decides. */
  readonly agent: string;
  readonly #shared: Shared;
  readonly #options: ClientOptions;
  readonly #channel: DecisionChannel;
  readonly #endings = new Endings();
  /** Open resources; each is removed when it is closed. */
  readonly #feeds = new Set<EventFeed>();
  readonly #derived = new Map<string, ConvergeClient>();
  /** Of a client that another one made: tells that one that it is closed. */
  readonly #onClose: (() => void) | undefined;
  #isClosed = false;

  /** The same as {@link connect}. */
  static async connect(given: ClientOptions): Promise<ConvergeClient> {
    const options = { ...given, credentials: withProofIn(given.url ?? '', given.credentials) };
    const { agent, url, connection, namespace, shards } = options;
    if (!isName(agent)) {
      throw new ConfigurationError(
        `agent ${JSON.stringify(agent)}: letters, digits, _ and -, 1 to 64 of them`,
      );
    }
    if (shards !== undefined && !(Number.isInteger(shards) && shards >= 1)) {
      throw new ConfigurationError(`shards: a positive integer, not ${shards}`);
    }
    if ((url === undefined) === (connection === undefined)) {
      throw new ConfigurationError('a client needs either a url or a connection');
    }
    const { credentials, role } = options;
    const identity = identityFor(options);
    const opened =
      connection ??
      (await connectNats({
        url: url ?? '',
        name: `converge agent ${agent}`,
        credentials,
        fallback: { role: role ?? 'agent', name: agent },
      }));
    const names = subjects(namespace);
    const asker = identity === undefined ? undefined : askerName(identity);
    const queries = new QueryClient({ connection: opened, subjects: names, asker });
    const shared: Shared = {
      connection: opened,
      isOwned: connection === undefined,
      subjects: names,
      queries,
      asker,
      publisher: new DecisionPublisher({ ...options.publisher, connection: opened }),
      shards: new ShardCount(queries, shards, options.outcomeRetentionMs),
    };
    return new ConvergeClient(shared, options, undefined);
  }

  private constructor(shared: Shared, options: ClientOptions, onClose: (() => void) | undefined) {
    this.agent = options.agent;
    this.#shared = shared;
    this.#options = options;
    this.#onClose = onClose;
    this.#channel = new DecisionChannel({
      ...shared,
      agent: options.agent,
      outcomeRetentionMs: () => shared.shards.outcomeRetentionMs,
      maxOutstanding: options.maxOutstanding ?? 8_192,
      askAfterMs: options.askAfterMs,
    });
  }

  /**
   * For how long the system remembers outcomes, milliseconds: within half of it, counted from the first time, a decision
   * can safely be sent again with the same id.
   */
  get outcomeRetentionMs(): number {
    return this.#shared.shards.outcomeRetentionMs;
  }

  /**
   * Publishes a decision and waits for its outcome, across lost connections and crashed workers. What the system
   * rejects is a value. Rejects with
   * - `PermissionDeniedError` when the NATS server does not let this connection decide in the agent's name,
   * - {@link PublishError} when the log did not take it or did not confirm it in time,
   * - `OutcomeTimeoutError` when it did, but the outcome is not known in time; it may be applied all the same, and
   *   deciding again with the same `id` is safe,
   * - `OutcomeUnknownError` when the log did not confirm it and no worker knows it: it was sent for as long as that is
   *   safe, and whether it is applied is open,
   * - {@link UnavailableError} when the client is closed, or nobody tells the number of shards.
   */
  async decide<D extends AnyDecisionInput>(
    pool: string,
    decision: D,
    { timeoutMs = this.#timeoutMs }: SendOptions = {},
  ): Promise<OutcomeOf<D['type']>> {
    const { encoded, leftMs } = await this.#encode(pool, decision, timeoutMs);
    const outcome = isUnsendable(encoded)
      ? localOutcome(encoded, { status: 'rejected', code: encoded.code, message: encoded.message })
      : await this.#channel.decide(encoded, leftMs());
    // The channel has seen to it that the outcome is that of a decision of this type.
    return outcome as OutcomeOf<D['type']>;
  }

  /**
   * Publishes a decision without waiting for its outcome: resolves once the log has it. Rejects like {@link decide},
   * with a {@link PublishError} when it cannot be sent at all, and with a `DecisionIdReusedError` when the log did not
   * confirm it and its `id` turns out to stand for another decision.
   */
  async publish(
    pool: string,
    decision: AnyDecisionInput,
    { timeoutMs = this.#timeoutMs }: SendOptions = {},
  ): Promise<Published> {
    const { encoded, leftMs } = await this.#encode(pool, decision, timeoutMs);
    if (isUnsendable(encoded)) throw new PublishError(`${encoded.code}: ${encoded.message}`);
    return this.#endings.run((signal) => unlessAborted(signal, this.#channel.publish(encoded, leftMs())));
  }

  /**
   * Publishes a decision, and tells separately when the log has it and when the outcome is known: anyone who needs an
   * order in the log publishes the next one when this one is stored.
   */
  async send(
    pool: string,
    decision: AnyDecisionInput,
    { timeoutMs = this.#timeoutMs }: SendOptions = {},
  ): Promise<Sent> {
    const { encoded, leftMs } = await this.#encode(pool, decision, timeoutMs);
    if (!isUnsendable(encoded)) return this.#channel.send(encoded, leftMs());
    const { decisionId, code, message } = encoded;
    const outcome = Promise.resolve(localOutcome(encoded, { status: 'rejected', code, message }));
    return { decisionId, stored: Promise.resolve({ decisionId, seq: 0 }), outcome };
  }

  /**
   * Rejects with a `QueryError` when the query was refused or asks for what does not exist (`..._not_found`), and with
   * an {@link UnavailableError} when no worker answered in time.
   */
  query<N extends QueryName>(
    name: N,
    input: QueryInput<N>,
    options: AskOptions = {},
  ): Promise<QueryAnswers[N]> {
    return this.#endings.run(
      (signal) => this.#shared.queries.ask(name, input, { ...options, signal }),
      options.signal,
    );
  }

  /**
   * Events in order, resumed across reconnects, until the feed or the client is closed. Throws a
   * {@link ConfigurationError} for a pool or a start that is none.
   */
  events(options: EventOptions = {}): EventFeed {
    if (this.#isClosed) throw new UnavailableError(CLOSED);
    const { connection, subjects: names, asker } = this.#shared;
    const { timeoutMs = this.#timeoutMs } = options;
    timeoutOption('timeoutMs', timeoutMs);
    const onEnd = (): void => void this.#feeds.delete(feed);
    const feed: EventFeed = new EventFeed({
      ...options,
      timeoutMs,
      connection,
      subjects: names,
      asker,
      onEnd,
    });
    this.#feeds.add(feed);
    return feed;
  }

  /**
   * The same connection in the name of another agent, as far as the permissions of the connection go. Closed with
   * this client; anyone who decides in the name of many closes each that is no longer needed, and asks for it again.
   */
  withAgent(agent: string): ConvergeClient {
    if (this.#isClosed) throw new UnavailableError(CLOSED);
    if (!isName(agent)) throw new ConfigurationError(`agent ${shownSetting(agent)} is not a name`);
    if (agent === this.agent) return this;
    const known = this.#derived.get(agent);
    if (known !== undefined && !known.#isClosed) return known;
    const made: ConvergeClient = new ConvergeClient(this.#shared, { ...this.#options, agent }, () => {
      if (this.#derived.get(agent) === made) this.#derived.delete(agent);
    });
    this.#derived.set(agent, made);
    return made;
  }

  /**
   * Operators: settles what has fallen due on one shard. Needs the permission to publish as `_operator` and to
   * subscribe to its results. `data.more` says that something due is left.
   */
  async sweep(
    shard: number,
    { timeoutMs = this.#timeoutMs, until, limit }: SweepOptions = {},
  ): Promise<OutcomeOf<'Sweep'>> {
    const operator = this.withAgent(OPERATOR);
    const sweep = { id: this.newId(), type: 'Sweep', until, limit };
    const encoded = encodeShardDecision(this.#shared.subjects, shard, sweep);
    // As in `decide`.
    return (await operator.#channel.decide(encoded, timeoutMs)) as OutcomeOf<'Sweep'>;
  }

  /** A decision of a system operator about all pools of a shard at once: `BanAgent` or `UnbanAgent`. */
  async decideForShard(
    shard: number,
    decision: InputOf<'BanAgent'> | InputOf<'UnbanAgent'>,
    { timeoutMs = this.#timeoutMs }: SendOptions = {},
  ): Promise<AnyOutcome> {
    const operator = this.withAgent(OPERATOR);
    const encoded = encodeShardDecision(this.#shared.subjects, shard, { id: this.newId(), ...decision });
    // As in `decide`.
    return (await operator.#channel.decide(encoded, timeoutMs)) as AnyOutcome;
  }

  /** The number of shards of the system. */
  async shards({ timeoutMs = this.#timeoutMs }: SendOptions = {}): Promise<number> {
    timeoutOption('timeoutMs', timeoutMs);
    return await this.#endings.run((signal) => this.#shared.shards.ask(timeoutMs, signal));
  }

  /** Where things are in the namespace of the client. */
  get subjects(): Subjects {
    return this.#shared.subjects;
  }

  /**
   * Tells the id of every decision in the agent's name whose outcome is told while this client listens, also of those
   * that another process has made, until the function that is returned is called.
   */
  onOutcomeTold(listener: (decisionId: string) => void): () => void {
    return this.#channel.listen(listener);
  }

  /** From then on nothing is sent any more: everything rejects with an {@link UnavailableError}. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** An id for something new, as the client chooses them. */
  newId(): string {
    return this.#options.newId?.() ?? uuidv7();
  }

  /** Rejects all pending calls at once. A borrowed connection stays open. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endings.end(new UnavailableError(CLOSED));
    for (const feed of [...this.#feeds]) feed.close();
    this.#channel.close(CLOSED);
    for (const client of [...this.#derived.values()]) await client.close();
    if (this.#onClose !== undefined) return this.#onClose();
    this.#shared.publisher.close();
    if (this.#shared.isOwned) await closeNats(this.#shared.connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? 30_000;
  }

  /** `leftMs` is what is left of the time when the number of shards is known, which takes some of it. */
  async #encode(
    pool: string,
    decision: AnyDecisionInput,
    timeoutMs: number,
  ): Promise<{ readonly encoded: EncodedDecision | Unsendable; readonly leftMs: () => number }> {
    timeoutOption('timeoutMs', timeoutMs);
    const deadline = performance.now() + timeoutMs;
    const { shards, subjects: names } = this.#shared;
    const count = shards.known ?? (await this.#endings.run((signal) => shards.ask(timeoutMs, signal)));
    if (this.#isClosed) throw new UnavailableError(CLOSED);
    const encoded = encodeDecision(names, {
      pool,
      decision,
      agent: this.agent,
      shards: count,
      newId: () => this.newId(),
    });
    return { encoded, leftMs: () => Math.max(1, deadline - performance.now()) };
  }
}

const CLOSED = 'the client is closed';

/** State shared by the clients of several agents on one connection. */
interface Shared {
  readonly connection: NatsConnection;
  readonly isOwned: boolean;
  readonly subjects: Subjects;
  readonly queries: QueryClient;
  /** Under which name queries are asked and events are read; undefined where no server vouches for any. */
  readonly asker: string | undefined;
  readonly publisher: DecisionPublisher;
  readonly shards: ShardCount;
}

/** As whom the server knows the connection; undefined where it does not care. */
function identityFor({ agent, credentials, role }: ClientOptions): Identity | undefined {
  if (role !== undefined) return { role, name: agent };
  if (credentials === undefined || !isProof(credentials)) return undefined;
  return identityOf(credentials) ?? { role: 'agent', name: agent };
}
