/** A connection to NATS for the time of one call. */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { closeNats, connectNats } from '../bus/connection.ts';
import { lossOf } from '../bus/connection-loss.ts';
import { identityOf, isProof } from '../bus/credentials.ts';
import type { Layout } from '../bus/layout.ts';
import { permissionDenied } from '../bus/permission-denied.ts';
import { findLayout } from '../bus/streams.ts';
import { messageOf, UnavailableError } from '../lib/errors.ts';
import { askerName, type Identity } from '../protocol/identity.ts';
import { isName, isReserved } from '../protocol/names.ts';
import { subjects } from '../protocol/subjects.ts';
import { type Config, natsAccess } from '../workers/config.ts';
import type { Call } from './call.ts';

/** `fallback`: whose inboxes to use with credentials that do not say whose they are. */
export async function withNats<T>(
  config: Config,
  use: (connection: NatsConnection) => Promise<T>,
  fallback?: Identity,
): Promise<T> {
  const connection = await connectNats({ ...natsAccess(config), name: 'converge-cli', fallback });
  try {
    const answer = await use(connection);
    // Nothing comes any more of a connection that is lost: what waited for it has ended as if nothing were wrong.
    if (connection.isClosed()) await throwLoss(connection);
    return answer;
  } catch (error) {
    if (connection.isClosed()) await throwLoss(connection);
    throw error;
  } finally {
    await closeNats(connection);
  }
}

async function throwLoss(connection: NatsConnection): Promise<void> {
  const loss = await lossOf(connection);
  if (loss !== undefined) throw loss;
}

/**
 * As whom the NATS server knows the call: as the credentials say, or else as the agent that the call is for, or whose
 * name the user has. Undefined where there are no credentials, or nothing says.
 */
export function callerOf(config: Config, agent?: string): Identity | undefined {
  const { credentials } = natsAccess(config);
  if (credentials === undefined || !isProof(credentials)) return undefined;
  const known = identityOf(credentials);
  if (known !== undefined) return known;
  const name = [agent, credentials.user].find(
    (each) => each !== undefined && isName(each) && !isReserved(each),
  );
  return name === undefined ? undefined : { role: 'agent', name };
}

/** Under which name queries are asked; undefined where no server vouches for any. */
export function askerFor(config: Config): string | undefined {
  const caller = callerOf(config);
  return caller === undefined ? undefined : askerName(caller);
}

/** Said, or read from the log, or, with credentials, which may not reach so far, left for the client to ask. */
export async function shardsFor(
  call: Call,
  config: Config,
  connection: NatsConnection,
): Promise<number | undefined> {
  if (call.areShardsGiven) return config.shards;
  const { credentials } = natsAccess(config);
  return credentials === undefined ? (await layoutOf(connection, config)).shards : undefined;
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

/** Values fixed when the system was created. */
export async function layoutOf(connection: NatsConnection, { namespace }: Config): Promise<Layout> {
  const layout = await findLayout(await openJetStream(connection), subjects(namespace));
  if (layout === undefined) {
    throw new UnavailableError(
      `there is no system in namespace ${namespace} on this NATS; the first worker creates it (converge worker, or converge dev)`,
    );
  }
  return layout;
}
