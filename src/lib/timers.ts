/**
 * All timers of the system. Node holds no more than 2^31 − 1 ms (24.8 days) in one of its own and fires at once beyond
 * that, so a longer wait is made of several: a duration that someone else chooses may be of any length, or endless.
 * Nothing else in `src` sets a timer (biome.json, test/lib/timers.test.ts).
 */

/** The longest time that one timer of Node holds, milliseconds. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

export interface Timer {
  /** It rings no more. May be called at any time and more than once. */
  cancel(): void;
  /** It no longer keeps the process alive. */
  unref(): Timer;
}

/**
 * Rings once after so many milliseconds: at once for none or fewer, never for `Infinity`. Throws a RangeError for NaN,
 * which is no duration.
 */
export function after(ms: number, ring: () => void): Timer {
  return new Wait(ms, ring);
}

/** Rings again and again, so many milliseconds apart, one at least. */
export function every(ms: number, ring: () => void): Timer {
  const interval = Math.max(1, ms);
  return new Wait(interval, function again(wait) {
    wait.begin(interval);
    ring();
  });
}

/** Resolves after so many milliseconds; rejects with the signal's reason when that is aborted before. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** A duration for the timers of a library: no longer than one of Node's holds, and no shorter than a millisecond. */
export function timerMs(ms: number): number {
  return Math.max(1, Math.min(checked(ms), MAX_TIMER_MS));
}

class Wait implements Timer {
  readonly #ring: (wait: Wait) => void;
  #handle: NodeJS.Timeout | undefined;
  #isCancelled = false;
  #keepsAlive = true;

  constructor(ms: number, ring: (wait: Wait) => void) {
    this.#ring = ring;
    this.begin(checked(ms));
  }

  begin(ms: number): void {
    if (this.#isCancelled) return;
    this.#handle = setTimeout(
      () => {
        if (ms > MAX_TIMER_MS) this.begin(ms - MAX_TIMER_MS);
        else this.#ring(this);
      },
      Math.max(0, Math.min(ms, MAX_TIMER_MS)),
    );
    if (!this.#keepsAlive) this.#handle.unref();
  }

  cancel(): void {
    this.#isCancelled = true;
    clearTimeout(this.#handle);
  }

  unref(): Timer {
    this.#keepsAlive = false;
    this.#handle?.unref();
    return this;
  }
}

function checked(ms: number): number {
  if (Number.isNaN(ms)) throw new RangeError('a timer needs a duration, not NaN');
  return ms;
}
