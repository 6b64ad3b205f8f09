import { connect, type NatsConnection } from 'nats';
import { messageOf, UnavailableError } from '../errors.ts';

export interface ConnectionOptions {
  readonly url: string;
  /** Shown in the server's monitoring. */
  readonly name: string;
  readonly connectTimeoutMs?: number;
}

/**
 * Connects, and from then on reconnects for ever: the library's default of ten attempts would end a worker for good
 * in an outage of half a minute.
 */
export async function connectNats({
  url,
  name,
  connectTimeoutMs = 5_000,
}: ConnectionOptions): Promise<NatsConnection> {
  try {
    return await connect({
      servers: url.split(','),
      name,
      timeout: connectTimeoutMs,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      reconnectJitter: 250,
      pingInterval: 10_000,
      maxPingOut: 2,
    });
  } catch (error) {
    throw new UnavailableError(`NATS does not answer at ${redacted(url)}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** A URL as it may be shown: without the password. */
export function redacted(url: string): string {
  return url.replace(/\/\/[^@/]*@/g, '//***@');
}

/** Ends a connection after what is under way is sent; within a bound, because a dead server never answers. */
export async function closeNats(connection: NatsConnection, withinMs = 2_000): Promise<void> {
  if (connection.isClosed()) return;
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, withinMs);
  });
  await Promise.race([connection.drain().catch(() => undefined), expired]);
  clearTimeout(timer);
  if (!connection.isClosed()) await connection.close().catch(() => undefined);
}
