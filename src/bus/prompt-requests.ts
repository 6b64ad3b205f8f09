import type { NatsConnection } from 'nats';
import { UnavailableError } from '../lib/errors.ts';
import { watchConnection } from './watch-connection.ts';

/**
 * Makes the requests of a connection fail as soon as it breaks. The answer went with it, and so did, perhaps, the
 * question; but the library waits for both until the request times out, which for JetStream is five seconds.
 */
export function failRequestsPromptly(connection: NatsConnection): void {
  const waiting = new Set<(error: UnavailableError) => void>();
  const failAll = (): void => {
    for (const fail of waiting)
      fail(new UnavailableError('the connection to NATS broke before the reply arrived'));
  };
  // A request without a connection is lost as well, or answered on the next one: repeating it is harmless.
  watchConnection(connection, { disconnected: failAll, reconnected: failAll });
  const request = connection.request.bind(connection);
  connection.request = async (...args) => {
    let fail = (_error: UnavailableError): void => undefined;
    const broken = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    waiting.add(fail);
    // biome-ignore lint/plugin/no-spread: what request was called with
    return await Promise.race([request(...args), broken]).finally(() => waiting.delete(fail));
  };
}
