/** A stream that the server does not take as it is wanted: which settings it was, in words. */
import { JetStreamApiError, type StreamConfig } from '@nats-io/jetstream';
import { ConfigurationError, messageOf } from '../lib/errors.ts';

/** Of the JetStream API: there is no room for what is to be reserved, on the server or in the account. */
const NO_ROOM: ReadonlySet<number> = new Set([
  10002, // resource limits exceeded for account
  10023, // insufficient resources
  10028, // memory resources exceeded
  10047, // insufficient storage resources available
  10113, // the account wants a maximum of bytes
  10122, // more bytes than the account allows for a stream
]);
/** The server has fewer nodes than replicas are wanted, or is no cluster. */
const TOO_MANY_REPLICAS: ReadonlySet<number> = new Set([10005, 10074]);

const SETTINGS_OF_ROOM = 'CONVERGE_LOG_MAX_BYTES, CONVERGE_EVENTS_MAX_BYTES and CONVERGE_SNAPSHOTS_MAX_BYTES';

/** The error to throw instead. */
export function refusedStream(
  error: unknown,
  { name, max_bytes, num_replicas }: Partial<StreamConfig> & { readonly name: string },
): unknown {
  if (!(error instanceof JetStreamApiError)) return error;
  const said = messageOf(error);
  if (TOO_MANY_REPLICAS.has(error.code)) {
    return new ConfigurationError(
      `stream ${name} cannot have ${num_replicas} replicas: ${said}. Set CONVERGE_REPLICAS to at most the number of its servers`,
      { cause: error },
    );
  }
  if (!NO_ROOM.has(error.code)) return error;
  const wanted = max_bytes === undefined || max_bytes < 0 ? '' : ` with ${max_bytes} bytes`;
  return new ConfigurationError(
    `NATS has no room for stream ${name}${wanted}: ${said}. The limits of streams are reserved when they are created: ` +
      `set ${SETTINGS_OF_ROOM} to less, or give JetStream more (max_file_store, a larger disk)`,
    { cause: error },
  );
}
