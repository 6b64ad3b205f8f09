/**
 * Notifies listeners of changes of a connection. The library keeps an iterator and a chain of promises for
 * each caller until the connection closes; so it is called once for each connection, and listeners that are no longer
 * interested are removed.
 */
import { type NatsConnection, PermissionViolationError } from 'nats';
import type { ConvergeError } from '../lib/errors.ts';
import { lossOf } from './connection-loss.ts';

export interface ConnectionListener {
  readonly disconnected?: () => void;
  readonly reconnected?: () => void;
  /** The server does not let this connection publish on the subject. */
  readonly denied?: (subject: string) => void;
  /** Closed for good: by us, or, if there is a reason, because the server no longer admits us. */
  readonly closed?: (why: ConvergeError | undefined) => void;
}

/** Tells what happens to a connection until the function that is returned is called. */
export function watchConnection(connection: NatsConnection, listener: ConnectionListener): () => void {
  let watch = watches.get(connection);
  if (watch === undefined) {
    watch = new ConnectionWatch(connection);
    watches.set(connection, watch);
  }
  return watch.add(listener);
}

/** Number of listeners of the connection. */
export function watchersOf(connection: NatsConnection): number {
  return watches.get(connection)?.size ?? 0;
}

const watches = new WeakMap<NatsConnection, ConnectionWatch>();

class ConnectionWatch {
  readonly #listeners = new Set<ConnectionListener>();
  readonly #closed: Promise<ConvergeError | undefined>;
  #isClosed = false;

  constructor(connection: NatsConnection) {
    void this.#follow(connection.status());
    this.#closed = lossOf(connection);
    void this.#closed.then((why) => {
      this.#isClosed = true;
      this.#tell(({ closed }) => closed?.(why));
      this.#listeners.clear();
    });
  }

  get size(): number {
    return this.#listeners.size;
  }

  add(listener: ConnectionListener): () => void {
    // An object of its own: the same listener may be added twice.
    const own = { ...listener };
    this.#listeners.add(own);
    if (this.#isClosed) void this.#closed.then((why) => this.#listeners.delete(own) && own.closed?.(why));
    return () => void this.#listeners.delete(own);
  }

  async #follow(statuses: ReturnType<NatsConnection['status']>): Promise<void> {
    for await (const status of statuses) {
      if (status.type === 'disconnect') this.#tell(({ disconnected }) => disconnected?.());
      else if (status.type === 'reconnect') this.#tell(({ reconnected }) => reconnected?.());
      else if (status.type === 'error') {
        const { error } = status;
        if (error instanceof PermissionViolationError && error.operation === 'publish')
          this.#tell(({ denied }) => denied?.(error.subject));
      }
    }
  }

  /** A listener removed by another one is not notified; one added meanwhile is notified from the next change on. */
  #tell(say: (listener: ConnectionListener) => void): void {
    for (const listener of [...this.#listeners]) {
      if (!this.#listeners.has(listener)) continue;
      try {
        say(listener);
      } catch (error) {
        // One that fails keeps none of the others from hearing.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
