/** How a call that runs until it is ended gets to know that it is to end. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/**
 * npm passes on the Ctrl-C that the terminal has sent to everyone already: what follows so closely is the same one, and
 * not an impatient second.
 */
const SAME_WITHIN_MS = 500;

export class Interruption implements Disposable {
  readonly #ended = new AbortController();
  readonly #onSignal = (name: NodeJS.Signals): void => this.#take(name);
  readonly #onForced: () => void;
  #firstAt: number | undefined;

  /** `onForced` is called before the process ends at once, on a second signal. */
  constructor(onForced: () => void = () => undefined) {
    this.#onForced = onForced;
    for (const name of SIGNALS) process.on(name, this.#onSignal);
  }

  /** Aborted by the first signal. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Resolves with the first signal. */
  get requested(): Promise<void> {
    const { signal } = this;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  [Symbol.dispose](): void {
    for (const name of SIGNALS) process.off(name, this.#onSignal);
  }

  #take(name: NodeJS.Signals): void {
    const now = performance.now();
    this.#firstAt ??= now;
    this.#ended.abort();
    if (now - this.#firstAt < SAME_WITHIN_MS) return;
    this.#onForced();
    process.exit(128 + (NUMBERS[name] ?? 0));
  }
}
