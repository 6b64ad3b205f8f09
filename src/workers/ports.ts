/**
 * What a shard worker needs of the world around it besides its store: a log to read, places to publish, a clock. The
 * real ones are NATS and the machine's; a simulator has its own.
 */
import type { LogMessage, LogPosition } from '../bus/log-message.ts';
import { sleep } from '../timers.ts';
import type { DeadLetter } from './outbox.ts';
import type { RenderedEvent } from './render.ts';

export interface ShardLogReader {
  take(max: number, waitMs: number): Promise<LogMessage[]>;
  nudge(): void;
  interrupt(why: string): void;
  close(): void;
}

export interface ShardLog {
  /** Verifies that the log continues what was applied, and reads on from there. */
  open(position: LogPosition): Promise<ShardLogReader>;
  /** A message that is applied already, for its dead letter. */
  read(seq: number): Promise<LogMessage | undefined>;
  /** What operators said about the time of this shard (Clock), behind a position and in order. */
  clocks(after: number): Promise<readonly LogMessage[]>;
  /** Which log this is. */
  identity(): Promise<string>;
}

export interface ShardPublisher {
  /** Sends an outcome to its agent; nobody confirms that. */
  result(key: string, outcome: string): void;
  /** Resolves when the events stream holds all of them, in this order. */
  events(events: readonly RenderedEvent[]): Promise<void>;
  deadLetter(letter: DeadLetter, message: LogMessage): Promise<void>;
  /** Resolves when everything sent before has reached the server. */
  flush(): Promise<void>;
  /**
   * Appends a Sweep to the shard's log: what the owner does when no sweeper has for long. With `at`, it brings the time
   * along that the log's own clock does not have.
   */
  sweep(shard: number, at?: number): Promise<void>;
  /** Appends a Settle of this id: what the owner does when something is owed. */
  settle(shard: number, id: string): Promise<void>;
}

export interface Clock {
  /** Wall clock, milliseconds since the epoch: compared with log time only to notice that something is late. */
  now(): number;
  /** Milliseconds since some moment; no step of the wall clock moves it, and it goes on while the process is stopped. */
  monotonic(): number;
  /** Resolves when the time is over, or at once when the signal is given. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's own clock. */
export const SYSTEM_CLOCK: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, signal).catch(() => undefined),
};
