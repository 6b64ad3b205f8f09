import type { QueryClient } from '../../bus/query-client.ts';
import { ConfigurationError, UnavailableError } from '../../lib/errors.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import { within } from '../../lib/within.ts';
import { DEFAULT_SETTINGS } from '../../protocol/settings.ts';
import { otherProtocol, PROTOCOL } from '../../protocol/version.ts';

/** The question, and how many wait for the answer. */
interface Asking {
  readonly answer: Promise<number>;
  readonly end: AbortController;
  waiting: number;
}

/**
 * The number of shards of the system. It never changes, so it is asked for once, by all who need it together; each
 * waits for as long as it is willing to, and the question ends with the last one.
 */
export class ShardCount {
  readonly #queries: QueryClient;
  #known: number | undefined;
  #outcomeRetentionMs: number;
  #asking: Asking | undefined;

  constructor(queries: QueryClient, known: number | undefined, outcomeRetentionMs: number | undefined) {
    this.#queries = queries;
    this.#known = known;
    this.#outcomeRetentionMs = outcomeRetentionMs ?? DEFAULT_SETTINGS.outcomeRetentionMs;
  }

  /** For how long outcomes are remembered, as it was told with the number. */
  get outcomeRetentionMs(): number {
    return this.#outcomeRetentionMs;
  }

  get known(): number | undefined {
    return this.#known;
  }

  /**
   * Rejects with an {@link UnavailableError} when nobody answers in time, with a {@link ConfigurationError} when the system
   * has another protocol, and with the signal's reason.
   */
  async ask(timeoutMs: number, signal: AbortSignal): Promise<number> {
    if (this.#known !== undefined) return this.#known;
    this.#asking ??= this.#begin();
    const asking = this.#asking;
    asking.waiting++;
    try {
      return await unlessAborted(
        signal,
        within(timeoutMs, asking.answer, () => {
          throw new UnavailableError(`no worker reported the number of shards within ${timeoutMs} ms`);
        }),
      );
    } finally {
      asking.waiting--;
      if (asking.waiting === 0) asking.end.abort();
    }
  }

  #begin(): Asking {
    const end = new AbortController();
    const answer = this.#ask(end.signal).finally(() => {
      if (this.#asking?.end === end) this.#asking = undefined;
    });
    answer.catch(() => undefined);
    end.signal.addEventListener('abort', () => {
      if (this.#asking?.end === end) this.#asking = undefined;
    });
    return { answer, end, waiting: 0 };
  }

  async #ask(signal: AbortSignal): Promise<number> {
    const { protocol, shards } = await this.#queries.ask(
      'stats',
      {},
      { timeoutMs: Number.POSITIVE_INFINITY, signal },
    );
    if (protocol !== PROTOCOL) throw new ConfigurationError(otherProtocol('the system', protocol));
    if (shards.length === 0) throw new UnavailableError('the system does not report its number of shards');
    this.#known = shards.length;
    this.#outcomeRetentionMs = shards.reduce(
      (least, { outcomeRetentionMs }) => Math.min(least, outcomeRetentionMs),
      Number.POSITIVE_INFINITY,
    );
    return shards.length;
  }
}
