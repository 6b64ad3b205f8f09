/**
 * Delivered messages that are not taken yet, in order. The server numbers its deliveries, so that anything
 * is lost, doubled or out of order on the way is noticed here, and reading ends: the next start compares again.
 */
import { LogInterruptedError } from '../lib/errors.ts';
import { type Alarm, Signal } from '../lib/signal.ts';
import type { LogMessage } from './log-message.ts';

export interface Delivery {
  /** The server's number of this delivery: 1 is the first of the consumer. */
  readonly number: number;
  readonly message: LogMessage;
}

/** Of messages that wait here, and of those that are taken at once: decoded they take several times as much. */
export const MAX_WAITING_BYTES = 2 * 1024 * 1024;
export const MAX_TAKEN_BYTES = 1024 * 1024;

export class Deliveries {
  readonly #most: number;
  readonly #onInterrupt: () => void;
  readonly #buffer: LogMessage[] = [];
  #bytes = 0;
  #delivered = 0;
  #failure: Error | undefined;
  readonly #arrived: Signal;
  readonly #drained = new Signal();

  /** The sender waits for {@link room} when it holds `most` messages, or {@link MAX_WAITING_BYTES} of them. */
  constructor(most: number, onInterrupt: () => void, alarm?: Alarm) {
    this.#most = most;
    this.#onInterrupt = onInterrupt;
    this.#arrived = new Signal(alarm);
  }

  get isFull(): boolean {
    return this.#buffer.length >= this.#most || this.#bytes >= MAX_WAITING_BYTES;
  }

  /**
   * Waits for messages and returns up to `max` of them, and at most {@link MAX_TAKEN_BYTES} unless a single one is larger;
   * none when `waitMs` is over. Throws when reading is interrupted.
   */
  async take(max: number, waitMs: number): Promise<LogMessage[]> {
    if (this.#buffer.length === 0 && this.#failure === undefined) await this.#arrived.next(waitMs);
    if (this.#buffer.length === 0 && this.#failure !== undefined) throw this.#failure;
    const taken = this.#buffer.splice(0, this.#fitting(max));
    for (const { data } of taken) this.#bytes -= data.byteLength;
    if (!this.isFull) this.#drained.notifyWaiters();
    return taken;
  }

  /** Ends a wait of {@link take} at once, with nothing. */
  nudge(): void {
    this.#arrived.notifyWaiters();
  }

  /** Earlier deliveries are still returned; after them {@link take} throws. */
  interrupt(why: string): void {
    if (this.#failure !== undefined) return;
    this.#failure = new LogInterruptedError(why);
    this.#arrived.notifyWaiters();
    this.#drained.notifyWaiters();
    this.#onInterrupt();
  }

  /** A number left out is a message that was lost on the way. False when reading has ended. */
  accept({ number, message }: Delivery): boolean {
    if (this.#failure !== undefined) return false;
    if (number !== this.#delivered + 1) {
      this.interrupt(`delivery ${number} came after ${this.#delivered}`);
      return false;
    }
    this.#delivered = number;
    this.#buffer.push(message);
    this.#bytes += message.data.byteLength;
    this.#arrived.notifyWaiters();
    return true;
  }

  /** Resolves when there is room for more, or nobody wants any. */
  async room(): Promise<void> {
    if (!this.isFull || this.#failure !== undefined) return;
    await this.#drained.next();
  }

  /** How many of the first may be taken at once: one at least. */
  #fitting(max: number): number {
    let bytes = 0;
    const end = this.#buffer.findIndex(({ data }, i) => {
      bytes += data.byteLength;
      return i >= max || (i > 0 && bytes > MAX_TAKEN_BYTES);
    });
    return end === -1 ? max : end;
  }
}
