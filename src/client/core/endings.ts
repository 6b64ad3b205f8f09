/**
 * What waits for someone else until it is ended: every wait has a signal of its own, which goes when the wait is over,
 * so that nothing gathers at one that lives as long as the client.
 */
export class Endings {
  readonly #open = new Set<AbortController>();
  #reason: Error | undefined;

  /** How many wait. */
  get size(): number {
    return this.#open.size;
  }

  /** Rejects with the reason of the end when that is reached, and with the reason of `signal` when that is aborted. */
  async run<T>(work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#reason !== undefined) throw this.#reason;
    signal?.throwIfAborted();
    const ending = new AbortController();
    const onAbort = (): void => ending.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#open.add(ending);
    try {
      return await work(ending.signal);
    } finally {
      this.#open.delete(ending);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Once and for all. */
  end(reason: Error): void {
    this.#reason ??= reason;
    for (const ending of [...this.#open]) ending.abort(reason);
  }
}
