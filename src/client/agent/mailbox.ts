import { Signal } from '../../lib/signal.ts';
import type { ConvergeEvent } from '../../protocol/event.ts';

/** Events since the agent last looked. When it is full, the feed waits: nothing is dropped. */
export class Mailbox {
  readonly #capacity: number;
  #messages: ConvergeEvent[] = [];
  readonly #emptied = new Signal();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** Resolves when there is room for the next one. */
  put(message: ConvergeEvent): Promise<void> {
    this.#messages.push(message);
    if (this.#messages.length < this.#capacity) return Promise.resolve();
    return this.#emptied.next();
  }

  takeAll(): readonly ConvergeEvent[] {
    const messages = this.#messages;
    this.#messages = [];
    this.#emptied.notifyWaiters();
    return messages;
  }
}
