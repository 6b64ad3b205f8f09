/**
 * Hears everything that the system says, on a connection of its own, and hands it to the checker: the event stream from
 * its beginning, and every outcome, the sweeper's too. Outcomes are told once and not kept; what did not arrive is
 * asked for, as any agent would.
 */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { closeNats, connectNats } from '../src/bus/connection.ts';
import type { NatsCredentials } from '../src/bus/credentials.ts';
import { readMessage } from '../src/bus/log-reader.ts';
import { QueryClient } from '../src/bus/query-client.ts';
import { EventFeed } from '../src/client/core/event-feed.ts';
import { sleep } from '../src/lib/timers.ts';
import type { ConvergeEvent } from '../src/protocol/event.ts';
import { isObject } from '../src/protocol/json.ts';
import { OPERATOR, SWEEPER } from '../src/protocol/names.ts';
import type { Outcome } from '../src/protocol/outcome.ts';
import { parsePosition } from '../src/protocol/positions.ts';
import type { PoolStats, QueryInput } from '../src/protocol/queries.ts';
import { parseDecisionSubject, type Subjects, subjects } from '../src/protocol/subjects.ts';
import type { HistoryChecker } from '../verify/kit/history/history-checker.ts';
import { countEvents } from './count-events.ts';

export interface ObserverOptions {
  readonly natsUrl: string;
  readonly namespace: string;
  /** An operator's, where the server asks for them. */
  readonly credentials: NatsCredentials | undefined;
  readonly checker: HistoryChecker;
  /** A sweep gave back claims that had expired. */
  readonly onSwept: (released: number) => void;
}

const POLL_MS = 50;
/** How long outcomes may be on their way before they are asked for. */
const ANSWER_WITHIN_MS = 1_500;
const SETTLE_WITHIN_MS = 20_000;

export class Observer {
  readonly #options: ObserverOptions;
  readonly #connection: NatsConnection;
  readonly #jsm: JetStreamManager;
  readonly #subjects: Subjects;
  readonly #queries: QueryClient;
  readonly #feed: EventFeed;
  readonly #reading: Promise<void>;
  /** Places in the log of which the outcome is known. */
  readonly #answered = new Set<number>();
  #failure: unknown;

  static async open(options: ObserverOptions): Promise<Observer> {
    const { natsUrl: url, credentials } = options;
    const connection = await connectNats({ url, name: 'converge demo observer', credentials });
    const observer = new Observer(options, connection, await jetstreamManager(connection));
    await observer.#feed.opened;
    await connection.flush();
    return observer;
  }

  private constructor(options: ObserverOptions, connection: NatsConnection, jsm: JetStreamManager) {
    this.#options = options;
    this.#connection = connection;
    this.#jsm = jsm;
    this.#subjects = subjects(options.namespace);
    const asker = options.credentials === undefined ? undefined : OPERATOR;
    this.#queries = new QueryClient({ connection, subjects: this.#subjects, asker });
    connection.subscribe(this.#subjects.allResults, {
      callback: (error, message) => {
        if (error === null) this.#onOutcome(message.json());
      },
    });
    this.#feed = new EventFeed({ connection, subjects: this.#subjects, asker, start: 'all' });
    this.#reading = this.#read();
  }

  /**
   * Resolves when the outcome of every decision in the log is known, and every event was received. Answers how many
   * decisions have no outcome, however often one asks.
   */
  async settle(): Promise<{ readonly logged: number; readonly unanswered: number }> {
    const deadline = performance.now() + SETTLE_WITHIN_MS;
    const recallAt = performance.now() + ANSWER_WITHIN_MS;
    for (;;) {
      const { decisions, events } = await this.#ends();
      const open = this.#openPlaces(decisions);
      const isQuiet = open.length === 0 && this.#readUpTo >= events;
      if (isQuiet || performance.now() > deadline) return { logged: decisions, unanswered: open.length };
      if (performance.now() > recallAt) await this.#recall(open);
      await sleep(POLL_MS);
    }
  }

  /** Reads the event stream to its end, which nobody moves any more. Answers how many events it holds. */
  async finish(): Promise<{ readonly published: number; readonly logged: number }> {
    const deadline = performance.now() + SETTLE_WITHIN_MS;
    const { state } = await this.#jsm.streams.info(this.#subjects.streams.events);
    while (this.#readUpTo < state.last_seq && performance.now() < deadline) await sleep(POLL_MS);
    await this.#connection.flush();
    if (this.#failure !== undefined) throw this.#failure;
    const published = await countEvents(this.#jsm, this.#subjects.streams.events);
    return { published, logged: (await this.#ends()).decisions };
  }

  /** What the workers say of a pool: the state in Redis, and not the events. */
  async stateOf(pool: string): Promise<PoolStats | undefined> {
    const { pools } = await this.#queries.ask('stats', { pool });
    return pools[0];
  }

  async close(): Promise<void> {
    this.#feed.close();
    await this.#reading;
    await closeNats(this.#connection);
  }

  async #read(): Promise<void> {
    try {
      for await (const event of this.#feed) this.#options.checker.onEvent(event satisfies ConvergeEvent);
    } catch (error) {
      this.#failure = error;
    }
  }

  #onOutcome(body: unknown): void {
    if (!isOutcome(body)) return;
    const isNew = !this.#answered.has(body.seq);
    this.#answered.add(body.seq);
    this.#options.checker.onOutcome(body);
    if (!isNew || body.agent !== SWEEPER || !isObject(body.data)) return;
    const { released } = body.data;
    if (Array.isArray(released) && released.length > 0) this.#options.onSwept(released.length);
  }

  /** Position in the event stream up to which every pack was read to its end. */
  get #readUpTo(): number {
    const { position } = this.#feed;
    const place = position === undefined ? undefined : parsePosition(position);
    return place === undefined ? 0 : place.seq - 1;
  }

  async #ends(): Promise<{ readonly decisions: number; readonly events: number }> {
    const [decisions, events] = await Promise.all([
      this.#jsm.streams.info(this.#subjects.streams.decisions),
      this.#jsm.streams.info(this.#subjects.streams.events),
    ]);
    return { decisions: decisions.state.last_seq, events: events.state.last_seq };
  }

  #openPlaces(last: number): number[] {
    const open: number[] = [];
    for (let seq = 1; seq <= last; seq++) if (!this.#answered.has(seq)) open.push(seq);
    return open;
  }

  async #recall(places: readonly number[]): Promise<void> {
    for (const seq of places) {
      const decision = await this.#decisionAt(seq);
      if (decision === undefined) continue;
      try {
        this.#onOutcome(await this.#queries.ask('outcome', decision, { timeoutMs: ANSWER_WITHIN_MS }));
        // A decision that stands in the log twice has its outcome at the first place.
        this.#answered.add(seq);
      } catch {
        // Not known yet: it is asked for again.
      }
    }
  }

  async #decisionAt(seq: number): Promise<QueryInput<'outcome'> | undefined> {
    const message = await readMessage(this.#jsm, this.#subjects.streams.decisions, seq);
    if (message === undefined) return undefined;
    const address = parseDecisionSubject(this.#subjects.namespace, message.subject);
    const body: unknown = JSON.parse(Buffer.from(message.data).toString('utf8'));
    if (address === undefined || !isObject(body) || typeof body.id !== 'string') return undefined;
    return { pool: address.pool, agent: address.agent, decisionId: body.id };
  }
}

function isOutcome(body: unknown): body is Outcome {
  return isObject(body) && typeof body.decisionId === 'string' && typeof body.seq === 'number';
}
