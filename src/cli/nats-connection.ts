/** A connection to NATS for the time of one call. */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { closeNats, connectNats } from '../bus/connection.ts';
import { identityOf, isProof } from '../bus/credentials.ts';
import { permissionDenied } from '../bus/permission-denied.ts';
import { findLayout, type Layout } from '../bus/streams.ts';
import { type Config, natsAccess } from '../config.ts';
import { messageOf, UnavailableError } from '../errors.ts';
import { askerName, type Identity } from '../protocol/identity.ts';
import { subjects } from '../protocol/subjects.ts';

/** `fallback`: whose inboxes to use with credentials that do not say whose they are. */
export async function withNats<T>(
  config: Config,
  use: (connection: NatsConnection) => Promise<T>,
  fallback?: Identity,
): Promise<T> {
  const connection = await connectNats({ ...natsAccess(config), name: 'converge-cli', fallback });
  try {
    return await use(connection);
  } finally {
    await closeNats(connection);
  }
}

/** As whom the NATS server knows the call; undefined where there are no credentials, or they do not say. */
export function callerOf(config: Config): Identity | undefined {
  const { credentials } = natsAccess(config);
  return credentials === undefined ? undefined : identityOf(credentials);
}

/** Under which name queries are asked; undefined where no server vouches for any. */
export function askerFor(config: Config, fallback?: Identity): string | undefined {
  const { credentials } = natsAccess(config);
  if (credentials === undefined || !isProof(credentials)) return undefined;
  const identity = identityOf(credentials) ?? fallback;
  return identity === undefined ? undefined : askerName(identity);
}

export async function openJetStream(connection: NatsConnection): Promise<JetStreamManager> {
  try {
    return await jetstreamManager(connection);
  } catch (error) {
    const denied = permissionDenied(error);
    if (denied !== undefined) throw denied;
    throw new UnavailableError(`NATS answers, but its JetStream does not: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** What was laid down when the system was created. */
export async function layoutOf(connection: NatsConnection, { namespace }: Config): Promise<Layout> {
  const layout = await findLayout(await openJetStream(connection), subjects(namespace));
  if (layout === undefined) {
    throw new UnavailableError(
      `there is no system in namespace ${namespace} on this NATS; the first worker creates it (converge worker, or converge dev)`,
    );
  }
  return layout;
}
