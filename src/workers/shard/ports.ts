/**
 * The ports of a shard worker besides its store: a log to read, places to publish, a clock. The real ones are NATS and the
 * machine's clock; a simulator has its own.
 */
import type { LogMessage, LogPosition } from '../../bus/log-message.ts';
import { sleep } from '../../lib/timers.ts';
import type { DeadLetter } from './outbox.ts';
import type { Pack } from './packs.ts';

export interface ShardLogReader {
  take(max: number, waitMs: number): Promise<LogMessage[]>;
  nudge(): void;
  interrupt(why: string): void;
  close(): void;
}

export interface ShardLog {
  /** Verifies that the log continues from the applied position, and reads on from there. */
  open(position: LogPosition): Promise<ShardLogReader>;
  /** A message that is applied already, for its dead letter. */
  read(seq: number): Promise<LogMessage | undefined>;
  /** Declarations of operators about the time of this shard (Clock), after a position and in order. */
  clocks(after: number): Promise<readonly LogMessage[]>;
  /** Which log this is. */
  identity(): Promise<string>;
}

export interface ShardPublisher {
  /** Sends an outcome to its agent, without confirmation. */
  result(key: string, outcome: string): void;
  /** Resolves when the events stream holds all of them. They are of different pools: their order among each other is free. */
  packs(packs: readonly Pack[]): Promise<void>;
  deadLetter(letter: DeadLetter, message: LogMessage): Promise<void>;
  /** Resolves when everything sent before has reached the server. */
  flush(): Promise<void>;
  /**
   * Appends a Sweep to the shard's log: the owner does so when no sweep has arrived for long. With `at`, it carries the time
   * that the log's own clock is behind.
   */
  sweep(shard: number, at?: number): Promise<void>;
  /** Appends a Settle with this id: the owner does so when something is owed. */
  settle(shard: number, id: string): Promise<void>;
}

export interface Clock {
  /** Wall clock, milliseconds since the epoch: compared with log time only to notice that something is late. */
  now(): number;
  /** Milliseconds since some moment; steps of the wall clock do not move it, and it runs while the process is stopped. */
  monotonic(): number;
  /** Resolves after this time, or at once when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's own clock. */
export const SYSTEM_CLOCK: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, signal).catch(() => undefined),
};
