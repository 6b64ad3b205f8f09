/**
 * Queries by request and reply, discoverable as a NATS service: the `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS` subjects
 * of ADR-32. Every worker offers the same endpoints in one queue group, so that each request is answered once.
 */

import { type Msg, type NatsConnection, nuid, type Subscription } from 'nats';
import { type Deadline, DeadlinePassedError, deadlineIn } from '../lib/deadline.ts';
import { messageOf } from '../lib/errors.ts';
import { defined } from '../protocol/defined.ts';
import { type Asker, askerOf } from '../protocol/identity.ts';
import {
  isQueryName,
  QUERIES,
  type QueryAnswers,
  type QueryName,
  type QueryOf,
  WITHIN_MS_HEADER,
} from '../protocol/queries.ts';
import type { Subjects } from '../protocol/subjects.ts';
import { fault, type QueryFault, readQuery } from './read-query.ts';

/** Queries that say nothing of it are worked on for so long. */
const DEFAULT_WITHIN_MS = 10_000;
const MAX_WITHIN_MS = 60_000;

const QUEUE = 'q';
const SERVICE = 'converge';
const MAX_AT_ONCE = 256;
/** Per name, so that an agent that queries endlessly leaves capacity for others and for the worker's other work. */
const MAX_AT_ONCE_OF_ONE = 32;

/**
 * Returns one query; a fault where it asks for what does not exist. Who asks is what the subject proves of it. Work that
 * may be long checks the deadline between its pieces.
 */
export type QueryHandlers = {
  readonly [N in QueryName]: (
    query: QueryOf<N>,
    asker: Asker,
    deadline: Deadline,
  ) => Promise<{ ok: QueryAnswers[N] } | { error: QueryFault }>;
};

interface EndpointStats {
  requests: number;
  errors: number;
  lastError: string;
  processingNanos: bigint;
}

export interface QueryServiceOptions {
  readonly connection: NatsConnection;
  readonly subjects: Subjects;
  readonly version: string;
  readonly handlers: QueryHandlers;
  /** The NATS server vouches for the names in subjects: a query without one has no known agent. */
  readonly areNamesProven?: boolean | undefined;
  /** The worker's part of the statistics. */
  readonly status?: (() => object) | undefined;
  readonly onFault: (name: string, error: unknown) => void;
}

export class QueryService {
  readonly #options: QueryServiceOptions;
  readonly #id = nuid.next();
  readonly #started = new Date().toISOString();
  readonly #stats = new Map<QueryName, EndpointStats>();
  readonly #subscriptions: Subscription[] = [];
  #atOnce = 0;
  readonly #atOnceOf = new Map<string, number>();

  constructor(options: QueryServiceOptions) {
    this.#options = options;
    for (const name of Object.keys(QUERIES)) {
      if (isQueryName(name)) this.#offer(name);
    }
    for (const [verb, answer] of [
      ['PING', () => this.#identity('ping')],
      ['INFO', () => this.#info()],
      ['STATS', () => this.#statistics()],
    ] as const) {
      for (const tail of ['', `.${SERVICE}`, `.${SERVICE}.${this.#id}`])
        this.#discover(`$SRV.${verb}${tail}`, answer);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#subscriptions.map((subscription) => subscription.drain().catch(() => undefined)));
  }

  #offer(name: QueryName): void {
    const { connection, subjects } = this.#options;
    this.#stats.set(name, { requests: 0, errors: 0, lastError: '', processingNanos: 0n });
    for (const asker of [undefined, '*']) {
      this.#subscriptions.push(
        connection.subscribe(subjects.query(name, asker), {
          queue: QUEUE,
          callback: (error, request) => {
            if (error !== null) return;
            const token = asker === undefined ? undefined : request.subject.split('.').at(-1);
            void this.#answer(name, request, askerOf(token));
          },
        }),
      );
    }
  }

  async #answer(name: QueryName, request: Msg, asker: Asker | undefined): Promise<void> {
    const stats = this.#stats.get(name);
    if (stats === undefined) return;
    const started = process.hrtime.bigint();
    stats.requests++;
    const reply = this.#tooMany(asker) ?? (await this.#run(name, request, asker));
    if ('error' in reply) {
      stats.errors++;
      stats.lastError = reply.error.code;
    }
    stats.processingNanos += process.hrtime.bigint() - started;
    this.#respond(request, reply);
  }

  async #run(
    name: QueryName,
    request: Msg,
    asker: Asker | undefined,
  ): Promise<{ ok: unknown } | { error: QueryFault }> {
    if (asker === undefined) return fault('reserved_id', 'no agent can ask under this name');
    this.#count(asker, 1);
    try {
      return await answerAs(name, request, asker, this.#options.handlers);
    } catch (error) {
      if (error instanceof DeadlinePassedError) return fault('deadline_passed', error.message);
      this.#options.onFault(name, error);
      return fault('internal_error', 'could not answer the query');
    } finally {
      this.#count(asker, -1);
    }
  }

  #tooMany(asker: Asker | undefined): { readonly error: QueryFault } | undefined {
    if (this.#atOnce >= MAX_AT_ONCE)
      return fault('rate_limited', `${MAX_AT_ONCE} queries are already in progress`);
    // Queries without a name cannot be distinguished: where names count, they are bounded as if they had one name.
    if (asker === undefined || (asker.kind === 'anyone' && !this.#options.areNamesProven)) return undefined;
    return (this.#atOnceOf.get(nameOf(asker)) ?? 0) < MAX_AT_ONCE_OF_ONE
      ? undefined
      : fault('rate_limited', `${MAX_AT_ONCE_OF_ONE} queries under this name are already in progress`);
  }

  #count(asker: Asker, change: 1 | -1): void {
    this.#atOnce += change;
    const name = nameOf(asker);
    const count = (this.#atOnceOf.get(name) ?? 0) + change;
    if (count > 0) this.#atOnceOf.set(name, count);
    else this.#atOnceOf.delete(name);
  }

  #respond(request: Msg, reply: unknown): void {
    try {
      request.respond(JSON.stringify(reply));
    } catch (error) {
      // Larger than the server's payload, as a rule: the asker can ask for smaller pages.
      request.respond(JSON.stringify(fault('too_large', `could not send the reply: ${messageOf(error)}`)));
    }
  }

  #discover(subject: string, answer: () => object): void {
    this.#subscriptions.push(
      this.#options.connection.subscribe(subject, {
        callback: (error, request) => {
          if (error === null) this.#respond(request, answer());
        },
      }),
    );
  }

  #identity(kind: 'ping' | 'info' | 'stats'): object {
    return {
      type: `io.nats.micro.v1.${kind}_response`,
      name: SERVICE,
      id: this.#id,
      version: this.#options.version,
      metadata: {},
    };
  }

  #info(): object {
    const { subjects } = this.#options;
    const endpoints = [...this.#stats.keys()].map((name) => ({
      name,
      subject: subjects.query(name),
      queue_group: QUEUE,
      metadata: {},
    }));
    return { ...this.#identity('info'), description: 'reads the state of pools and tasks', endpoints };
  }

  #statistics(): object {
    const { subjects } = this.#options;
    const endpoints = [...this.#stats].map(([name, stats]) => ({
      name,
      subject: subjects.query(name),
      queue_group: QUEUE,
      num_requests: stats.requests,
      num_errors: stats.errors,
      last_error: stats.lastError,
      processing_time: Number(stats.processingNanos),
      average_processing_time:
        stats.requests === 0 ? 0 : Number(stats.processingNanos / BigInt(stats.requests)),
    }));
    const status = this.#options.status?.();
    return {
      ...this.#identity('stats'),
      started: this.#started,
      endpoints,
      ...defined({ data: status }),
    };
  }
}

/** Distinct from every name that an asker can have. */
const ANYONE = '';

function nameOf(asker: Asker): string {
  if (asker.kind === 'anyone') return ANYONE;
  return asker.kind === 'agent' ? asker.agent : asker.name;
}

/** How long the asker waits, as it says; who says nothing, or nonsense, waits as long as ours do at most. */
function timeoutOf({ headers }: Msg): number {
  const stated = Number(headers?.get(WITHIN_MS_HEADER) || DEFAULT_WITHIN_MS);
  return stated > 0 ? Math.min(stated, MAX_WITHIN_MS) : DEFAULT_WITHIN_MS;
}

async function answerAs<N extends QueryName>(
  name: N,
  request: Msg,
  asker: Asker,
  handlers: QueryHandlers,
): Promise<{ ok: unknown } | { error: QueryFault }> {
  const read = readQuery(name, request.data);
  if ('error' in read) return read;
  // The schema of a name gives the form of that name: the two are looked up by the same key.
  const answer: (
    query: QueryOf<N>,
    asker: Asker,
    deadline: Deadline,
  ) => Promise<{ ok: unknown } | { error: QueryFault }> = handlers[name];
  return await answer(read.query, asker, deadlineIn(timeoutOf(request)));
}
