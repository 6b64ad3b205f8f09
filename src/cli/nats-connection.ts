/** A connection to NATS for the time of one call. */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { closeNats, connectNats } from '../bus/connection.ts';
import { findLayout, type Layout } from '../bus/streams.ts';
import type { Config } from '../config.ts';
import { messageOf, UnavailableError } from '../errors.ts';
import { subjects } from '../protocol/subjects.ts';

export async function withNats<T>(
  { natsUrl }: Config,
  use: (connection: NatsConnection) => Promise<T>,
): Promise<T> {
  const connection = await connectNats({ url: natsUrl, name: 'converge-cli' });
  try {
    return await use(connection);
  } finally {
    await closeNats(connection);
  }
}

export async function openJetStream(connection: NatsConnection): Promise<JetStreamManager> {
  try {
    return await jetstreamManager(connection);
  } catch (error) {
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
