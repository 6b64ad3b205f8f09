import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { type Callback, type RedisOptions as ClientOptions, Redis } from 'ioredis';
import {
  ConfigurationError,
  CredentialsError,
  messageOf,
  NotAuthorizedError,
  UnavailableError,
} from '../lib/errors.ts';
import { every } from '../lib/timers.ts';

export type { Redis };

export interface RedisOptions {
  readonly answerWithinMs?: number | undefined;
  /** Files: the authority that signed the server's certificate; a certificate of one's own, with its key. */
  readonly tls?: TlsFiles | undefined;
}

interface TlsFiles {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** The treatment of a command without a reply. */
type AnswerOptions = Pick<
  ClientOptions,
  'maxRetriesPerRequest' | 'enableOfflineQueue' | 'socketTimeout' | 'reconnectOnError'
>;

/** A connection that owes an answer for so long is dead, though nobody closed it: a network that is gone says nothing. */
const ANSWER_WITHIN_MS = 5_000;
/** BullMQ waits for the next job for ten seconds at most, and then asks again. */
const BLOCKS_WITHIN_MS = 15_000;

/**
 * A connection for commits. A script whose answer is lost must not be sent again behind our back: this connection
 * fails at once instead, and the writer finds out from the commit id whether it was applied.
 */
export function connectForCommits(
  url: string,
  { answerWithinMs = ANSWER_WITHIN_MS, tls }: RedisOptions = {},
): Redis {
  return connection(url, tls, {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    socketTimeout: answerWithinMs,
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
  });
}

/** A connection for reads: they can be repeated, so a short outage is bridged. */
export function connectForReads(
  url: string,
  { answerWithinMs = ANSWER_WITHIN_MS, tls }: RedisOptions = {},
): Redis {
  return connection(url, tls, { maxRetriesPerRequest: 2, socketTimeout: answerWithinMs });
}

/** A connection as BullMQ wants it: commands are repeated for as long as it takes. Some of them block by intention. */
export function connectForBullMq(url: string, { tls }: RedisOptions = {}): Redis {
  return connection(url, tls, { maxRetriesPerRequest: null, socketTimeout: BLOCKS_WITHIN_MS });
}

/**
 * Asks for a sign of life now and then: a connection is found dead by an answer that it owes, and one that is seldom used
 * would be found dead when it is needed.
 */
export function keepAsking(redis: Redis, everyMs: number): void {
  const timer = every(everyMs, () => {
    if (redis.status === 'ready') redis.ping().catch(() => undefined);
  });
  timer.unref();
  redis.once('end', () => timer.cancel());
}

/**
 * A client that goes nowhere but into the database of its URL. ioredis tells a SELECT that failed as an event and goes on
 * in database 0, which may belong to someone else: here that connection is given up before anything is sent on it, and made
 * again, because a server can also come back with fewer databases.
 */
class InOneDatabase extends Redis {
  /** Why the server did not let it into its database, at the last attempt. */
  refusal: unknown;

  override select(db: number | string, callback?: Callback<'OK'>): Promise<'OK'> {
    const selected = callback === undefined ? super.select(db) : super.select(db, callback);
    selected.then(
      () => {
        this.refusal = undefined;
      },
      (error) => {
        // The server's error, not the loss of the connection that followed.
        if (!(error instanceof Error) || error.name !== 'ReplyError') return;
        this.refusal = error;
        this.disconnect(true);
      },
    );
    return selected;
  }

  /** BullMQ makes copies of its connections. */
  override duplicate(override?: Partial<ClientOptions>): Redis {
    const { replyMapping: _unused, ...options } = { ...this.options, ...override };
    return quiet(new InOneDatabase(options));
  }
}

/** The path must be a number: ioredis takes anything else for database 0. */
function checkDatabase(url: string): void {
  const [, path = ''] = /^rediss?:\/\/[^/?#]*\/([^?#]*)/i.exec(url) ?? [];
  if (/^\d*$/.test(path)) return;
  throw new ConfigurationError(
    `the URL of Redis names the database ${JSON.stringify(path.slice(0, 40))}: it must be a number`,
  );
}

function connection(url: string, tls: TlsFiles | undefined, answers: AnswerOptions): Redis {
  checkDatabase(url);
  return quiet(
    new InOneDatabase(url, {
      ...secured(tls),
      protocol: 2,
      lazyConnect: true,
      connectTimeout: 5_000,
      retryStrategy: () => 200,
      ...answers,
    }),
  );
}

/** With files of TLS the connection is encrypted, whatever the scheme of the URL says. */
function secured(files: TlsFiles | undefined): { readonly tls?: ConnectionOptions } {
  return files === undefined ? {} : { tls: tlsOptionsOf(files) };
}

/** Throws a {@link CredentialsError} when a file cannot be read. */
export function tlsOptionsOf({ ca, cert, key }: TlsFiles): ConnectionOptions {
  return {
    ...(ca === undefined ? {} : { ca: contentOf(ca) }),
    ...(cert === undefined ? {} : { cert: contentOf(cert) }),
    ...(key === undefined ? {} : { key: contentOf(key) }),
  };
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CredentialsError(`could not read ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** ioredis reports every failed attempt as an 'error' event, and one that nobody listens to ends the process. */
function quiet(redis: Redis): Redis {
  redis.on('error', () => undefined);
  return redis;
}

/** Rejects with an {@link UnavailableError}, or with a {@link NotAuthorizedError} when Redis refuses the credentials. */
export async function openRedis(redis: Redis): Promise<Redis> {
  if (redis.status !== 'wait') return redis;
  // The rejection of connect() does not say why; the event before it does.
  let cause: Error | undefined;
  const onError = (error: Error): void => {
    cause = error;
    if (isRefusal(error) || isNoDatabase(redis)) redis.disconnect();
  };
  redis.on('error', onError);
  try {
    await redis.connect();
    return redis;
  } catch (error) {
    disconnect(redis);
    const reason = messageOf(cause ?? error);
    if (isRefusal(cause) || isRefusal(error)) {
      throw new NotAuthorizedError(`Redis refuses the credentials of its URL: ${reason}`, { cause: error });
    }
    const noDatabase = redis instanceof InOneDatabase ? redis.refusal : undefined;
    if (noDatabase !== undefined) {
      throw new ConfigurationError(
        `Redis has no database ${redis.options.db}, which the end of its URL names: ${messageOf(noDatabase)}`,
        { cause: error },
      );
    }
    throw new UnavailableError(`Redis does not answer: ${reason}`, { cause: error });
  } finally {
    redis.off('error', onError);
  }
}

function isNoDatabase(redis: Redis): boolean {
  return redis instanceof InOneDatabase && redis.refusal !== undefined;
}

function isRefusal(error: unknown): boolean {
  return /^(WRONGPASS|NOAUTH|NOPERM)\b/.test(messageOf(error));
}

/** Disconnecting what has ended already would leave a timer of ioredis behind. */
function disconnect(redis: Redis): void {
  if (redis.status !== 'end') redis.disconnect();
}
