/** Which of the two servers the service stands on. */
export type ServerName = 'redis' | 'nats';

/** Where a server came from, in the order in which they are tried. */
export type ServerSource = 'url' | 'binary' | 'docker' | 'package';

/** An environment, as `process.env` has it; passed in so that only entry points read the real one. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A server that answers. The data folder outlives it: removing that is the caller's decision. */
export interface RunningServer {
  readonly name: ServerName;
  /** `redis://127.0.0.1:<port>` or `nats://127.0.0.1:<port>`, or the given URL as it is. */
  readonly url: string;
  readonly source: ServerSource;
  /** As the server itself reports it, e.g. `7.0.15`. */
  readonly version: string;
  /** `redis-server`, `valkey-server` or `nats-server`. */
  readonly product: string;
  /** The path of the binary; undefined for the sources `url` and `docker`. */
  readonly command: string | undefined;
  /** Changes with every restart; undefined while stopped and for the sources `url` and `docker`. */
  readonly pid: number | undefined;
  /** Undefined for the source `url`. */
  readonly dataDir: string | undefined;
  /** Resolves when it has ended by whatever, with how. Never for the source `url`: nobody here would know. */
  readonly ended: Promise<string>;
  /** The last lines that it printed; nothing for the source `url`. */
  logTail(): Promise<string>;
  /** Asks the server to end and kills it after ten seconds. Does nothing for `url`, or if it has ended. */
  stop(): Promise<void>;
  /**
   * Sends a signal, SIGKILL by default, and resolves when the server has ended; for SIGSTOP and SIGCONT, which end
   * nothing, as soon as it is sent. Rejects for `url`: someone else's server is not ours to kill.
   */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Lets it read its configuration again without ending. Rejects for `url`, and for a Redis. */
  reload(): Promise<void>;
  /** Starts it again on the same port with the same data folder, stopping it first if needed. Rejects for `url`. */
  restart(): Promise<void>;
}
