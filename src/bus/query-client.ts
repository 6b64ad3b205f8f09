/** Asks queries by request and reply. Asking changes nothing, so a question is repeated until it is answered in time. */
import { headers, type Msg, type NatsConnection } from 'nats';
import { messageOf, PermissionDeniedError, QueryError, UnavailableError } from '../lib/errors.ts';
import { sleep, timerMs } from '../lib/timers.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import { isObject } from '../protocol/json.ts';
import {
  type QueryAnswers,
  type QueryInput,
  type QueryName,
  type QueryReply,
  WITHIN_MS_HEADER,
} from '../protocol/queries.ts';
import type { Subjects } from '../protocol/subjects.ts';
import { lossOf } from './connection-loss.ts';
import { permissionDenied } from './permission-denied.ts';

export interface QueryClientOptions {
  readonly connection: NatsConnection;
  readonly subjects: Subjects;
  /** The name that the server vouches for, see {@link askerName}. Left out: what anyone may know is answered. */
  readonly asker?: string | undefined;
  /** How long to ask before giving up, milliseconds (10,000). */
  readonly timeoutMs?: number | undefined;
}

export interface AskOptions {
  readonly timeoutMs?: number | undefined;
  /** Stops asking when it is aborted, and rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * How long the first attempt waits. The worker that received it may have died, so the query is sent again; each attempt waits
 * twice as long as the one before, and says how long, so that no worker goes on with one that was given up.
 */
const FIRST_ATTEMPT_MS = 2_000;
const FIRST_PAUSE_MS = 25;
const MAX_PAUSE_MS = 1_000;

export class QueryClient {
  readonly #connection: NatsConnection;
  readonly #subjects: Subjects;
  readonly #timeoutMs: number;
  readonly #asker: string | undefined;

  constructor({ connection, subjects, asker, timeoutMs = 10_000 }: QueryClientOptions) {
    this.#connection = connection;
    this.#subjects = subjects;
    this.#asker = asker;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Rejects with a {@link QueryError} when the query was refused or asks for what does not exist, and with an
   * {@link UnavailableError} when no worker answered in time. With a {@link PermissionDeniedError} when the server does
   * not let this connection ask, and with a `NotAuthorizedError` when it has ended it.
   */
  async ask<N extends QueryName>(
    name: N,
    input: QueryInput<N>,
    { timeoutMs = this.#timeoutMs, signal }: AskOptions = {},
  ): Promise<QueryAnswers[N]> {
    signal?.throwIfAborted();
    const subject = this.#subjects.query(name, this.#asker);
    const body = JSON.stringify(input);
    const deadline = performance.now() + timeoutMs;
    let attemptMs = FIRST_ATTEMPT_MS;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
      const leftMs = deadline - performance.now();
      const reply = await unlessAborted(signal, this.#attempt(subject, body, Math.min(attemptMs, leftMs)));
      attemptMs *= 2;
      if (!(reply instanceof Error)) return answerOf<N>(reply);
      if (reply instanceof PermissionDeniedError) throw reply;
      const loss = this.#connection.isClosed() ? await lossOf(this.#connection) : undefined;
      if (loss !== undefined) throw loss;
      if (this.#connection.isClosed() || deadline - performance.now() <= pauseMs) {
        throw new UnavailableError(`no reply to query ${name} within ${timeoutMs} ms: ${reply.message}`, {
          cause: reply,
        });
      }
      await sleep(pauseMs, signal);
    }
  }

  /** The reply, or why there is none yet. */
  async #attempt(subject: string, body: string, ms: number): Promise<Reply | Error> {
    const timeout = timerMs(ms);
    const within = headers();
    within.set(WITHIN_MS_HEADER, String(Math.ceil(timeout)));
    try {
      const reply = parsed(await this.#connection.request(subject, body, { timeout, headers: within }));
      if (reply === undefined) return new UnavailableError('the reply is not readable');
      return isNotNow(reply) ? new UnavailableError(reply.error.message) : reply;
    } catch (error) {
      const denied = permissionDenied(error);
      return denied ?? (error instanceof Error ? error : new UnavailableError(messageOf(error)));
    }
  }
}

type Reply =
  | { readonly ok: unknown }
  | { readonly error: { readonly code: string; readonly message: string } };

/** Too much to do at this moment, or too long for this attempt: the next one may be answered. */
function isNotNow(reply: Reply): reply is Extract<Reply, { error: unknown }> {
  return 'error' in reply && (reply.error.code === 'rate_limited' || reply.error.code === 'deadline_passed');
}

function parsed(message: Msg): Reply | undefined {
  let body: unknown;
  try {
    body = message.json();
  } catch {
    return undefined;
  }
  if (!isObject(body)) return undefined;
  if ('ok' in body) return { ok: body.ok };
  if (!isObject(body.error)) return undefined;
  return { error: { code: String(body.error.code), message: String(body.error.message) } };
}

function answerOf<N extends QueryName>(reply: Reply): QueryAnswers[N] {
  if ('error' in reply) throw new QueryError(reply.error.code, reply.error.message);
  // The server answers each name in the form of that name (protocol/queries.ts); it is not checked a second time here.
  return (reply as Extract<QueryReply<N>, { ok: unknown }>).ok;
}
