/** Why the connection to NATS is gone for good. */
import { AuthorizationError, type NatsConnection, UserAuthenticationExpiredError } from 'nats';
import { type ConvergeError, messageOf, NotAuthorizedError, UnavailableError } from '../lib/errors.ts';

/**
 * Why a connection has ended for good, which it does when the server refuses its credentials twice in a row: revoked,
 * expired. Undefined when we have closed it ourselves. Any other loss it survives.
 */
export async function lossOf(connection: NatsConnection): Promise<ConvergeError | undefined> {
  const error = await connection.closed();
  if (!(error instanceof Error)) return undefined;
  const refusal = isRefusal(error) ? error : refusals.get(connection);
  if (refusal !== undefined)
    return new NotAuthorizedError(
      `the NATS server closed the connection: it no longer accepts these credentials (${refusal.message}); were they revoked?`,
      { cause: error },
    );
  return new UnavailableError(`the connection to NATS is lost for good: ${messageOf(error)}`, {
    cause: error,
  });
}

/**
 * The last refusal that each connection received. The library forgets it when a reconnect succeeds, also when the
 * second one is there already, and then says "connection refused": it happens to credentials that are still good for
 * the rest of the second in which they expire.
 */
const refusals = new WeakMap<NatsConnection, Error>();

/** To be called when a connection is made: {@link lossOf} knows by it why it was ended. */
export async function rememberRefusals(connection: NatsConnection): Promise<void> {
  for await (const status of connection.status())
    if (status.type === 'error' && isRefusal(status.error)) refusals.set(connection, status.error);
}

function isRefusal(error: unknown): error is Error {
  return error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError;
}
