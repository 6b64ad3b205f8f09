/** Something to follow: what comes, in order, until it is closed. */
import type { NatsConnection } from 'nats';

/** From now on, everything that is kept, or what came at or after a time (milliseconds since the epoch). */
export type Since = 'new' | 'all' | { readonly at: number };

export interface SourceOptions {
  readonly connection: NatsConnection;
  readonly namespace: string;
  /** The name that the NATS server vouches for, where it does. */
  readonly asker: string | undefined;
  readonly pool: string | undefined;
  readonly agent: string | undefined;
  readonly since: Since;
}

export interface Entry {
  /** As `--json` prints it. */
  readonly value: unknown;
  /** As people read it. */
  readonly line: string;
}

/** When one is there, nothing is missed any more. */
export interface Source {
  entries(): AsyncIterable<Entry>;
  /** Ends the entries; may be called more than once. */
  close(): void;
}
