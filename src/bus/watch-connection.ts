import { type NatsConnection, PermissionViolationError } from 'nats';
import type { ConvergeError } from '../errors.ts';
import { lossOf } from './connection-loss.ts';

export interface ConnectionListener {
  readonly disconnected?: () => void;
  readonly reconnected?: () => void;
  /** The server does not let this connection publish on the subject. */
  readonly denied?: (subject: string) => void;
  /** Closed for good: by us, or, where there is a reason, because the server will have us no more. */
  readonly closed?: (why: ConvergeError | undefined) => void;
}

/** Tells what happens to a connection until the function that is returned is called. */
export function watchConnection(connection: NatsConnection, listener: ConnectionListener): () => void {
  const statuses: AsyncIterable<Status> & { stop?: () => void } = connection.status();
  let isWatching = true;
  void (async () => {
    for await (const status of statuses) {
      if (!isWatching) return;
      if (status.type === 'disconnect') listener.disconnected?.();
      else if (status.type === 'reconnect') listener.reconnected?.();
      else if (status.type === 'error') {
        const { error } = status;
        if (error instanceof PermissionViolationError && error.operation === 'publish')
          listener.denied?.(error.subject);
      }
    }
  })();
  void lossOf(connection).then((why) => {
    if (isWatching) listener.closed?.(why);
  });
  return () => {
    isWatching = false;
    statuses.stop?.();
  };
}

type Status = ReturnType<NatsConnection['status']> extends AsyncIterable<infer S> ? S : never;
