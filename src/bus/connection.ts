import { AuthorizationError, connect, createInbox, type NatsConnection } from 'nats';
import { ConvergeError, messageOf, NotAuthorizedError, UnavailableError } from '../lib/errors.ts';
import { timerMs } from '../lib/timers.ts';
import { within } from '../lib/within.ts';
import { defined } from '../protocol/defined.ts';
import type { Identity } from '../protocol/identity.ts';
import { isObject } from '../protocol/json.ts';
import { rememberRefusals } from './connection-loss.ts';
import { authenticatorOf, inboxPrefixOf, isProof, type NatsCredentials, tlsOf } from './credentials.ts';
import { failRequestsPromptly } from './prompt-requests.ts';

export interface ConnectionOptions {
  readonly url: string;
  /** Shown in the server's monitoring. */
  readonly name: string;
  readonly connectTimeoutMs?: number;
  /** How often a connection is asked whether it is alive (2,000). */
  readonly pingMs?: number;
  readonly credentials?: NatsCredentials | undefined;
  /** Whose inboxes to use with credentials that do not say whose they are. */
  readonly fallback?: Identity | undefined;
}

/**
 * Connects, and from then on reconnects forever: the library's default of ten attempts would end a worker for good
 * in an outage of half a minute.
 */
export async function connectNats({
  url,
  name,
  connectTimeoutMs = 5_000,
  pingMs = 2_000,
  credentials,
  fallback,
}: ConnectionOptions): Promise<NatsConnection> {
  try {
    const connection = await connect({
      servers: url.split(','),
      name,
      ...(credentials === undefined ? {} : provenBy(credentials, fallback)),
      timeout: timerMs(connectTimeoutMs),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      reconnectJitter: 250,
      // A connection that is dead without having been closed is noticed after three of these.
      pingInterval: timerMs(pingMs),
      maxPingOut: 2,
    });
    void rememberRefusals(connection);
    failRequestsPromptly(connection);
    return connection;
  } catch (error) {
    if (error instanceof ConvergeError) throw error;
    if (error instanceof AuthorizationError) {
      throw new NotAuthorizedError(
        credentials !== undefined && isProof(credentials)
          ? `NATS at ${redacted(url)} does not know these credentials (${error.message}): were they revoked, or was the server not reloaded since they were added? converge auth show lists who may connect`
          : `NATS at ${redacted(url)} requires credentials (${error.message}), and none are configured: CONVERGE_NATS_NKEY names a file of them, converge auth add-agent <name> makes one, converge auth show lists who may connect`,
        { cause: error },
      );
    }
    throw new UnavailableError(`NATS does not answer at ${redacted(url)}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function provenBy(credentials: NatsCredentials, fallback: Identity | undefined): object {
  const authenticator = authenticatorOf(credentials);
  const inboxPrefix = inboxPrefixOf(credentials, fallback);
  const tls = tlsOf(credentials);
  return {
    ...defined({ authenticator, inboxPrefix, tls }),
  };
}

/**
 * A new inbox where the connection may have one. The library makes those of its requests so; its options, which know
 * the prefix, are not part of the connection's interface.
 */
export function newInbox(connection: NatsConnection): string {
  const options: unknown = Reflect.get(connection, 'options');
  const prefix = isObject(options) ? options.inboxPrefix : undefined;
  return typeof prefix === 'string' ? createInbox(prefix) : createInbox();
}

/** A URL as it may be shown: without the password. */
export function redacted(url: string): string {
  return url.replace(/\/\/[^@/]*@/g, '//***@');
}

/** Ends a connection after what is under way is sent; within a bound, because a dead server never answers. */
export async function closeNats(connection: NatsConnection, withinMs = 2_000): Promise<void> {
  if (connection.isClosed()) return;
  await within(
    withinMs,
    connection.drain().catch(() => undefined),
    () => undefined,
  );
  if (!connection.isClosed()) await connection.close().catch(() => undefined);
}
