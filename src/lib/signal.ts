/** Wakes those who wait for something to happen; what has happened they look up themselves. */
import { after } from './timers.ts';

/** Rings once after so many milliseconds, unless the result is called before. */
export type Alarm = (ms: number, ring: () => void) => () => void;

const SYSTEM_ALARM: Alarm = (ms, ring) => {
  const timer = after(ms, ring);
  return () => timer.cancel();
};

export class Signal {
  readonly #alarm: Alarm;
  readonly #waiting = new Set<() => void>();
  #isPending = false;

  constructor(alarm: Alarm = SYSTEM_ALARM) {
    this.#alarm = alarm;
  }

  /** Wakes everyone who waits. When nobody does, the next wait ends at once. */
  notify(): void {
    if (this.#waiting.size === 0) this.#isPending = true;
    else this.notifyWaiters();
  }

  /** Wakes everyone who waits now; it means nothing to those who wait later. */
  notifyWaiters(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves at the next notification, and at the latest after `withinMs`, where that is given. */
  next(withinMs?: number): Promise<void> {
    return new Promise((resolve) => {
      let cancel = (): void => undefined;
      const wake = (): void => {
        cancel();
        this.#waiting.delete(wake);
        resolve();
      };
      if (this.#isPending) {
        this.#isPending = false;
        return resolve();
      }
      this.#waiting.add(wake);
      if (withinMs !== undefined) cancel = this.#alarm(Math.max(0, withinMs), wake);
    });
  }
}
