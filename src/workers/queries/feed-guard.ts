/** An agent that left a private pool, or was removed from it, must not receive its events. One worker enforces that. */
import type { Logger } from 'pino';
import type { EventFeeds } from '../../bus/event-feeds.ts';
import { messageOf } from '../../lib/errors.ts';
import { every, type Timer } from '../../lib/timers.ts';
import { askerOf } from '../../protocol/identity.ts';
import type { PoolSight } from './pool-sight.ts';

export interface FeedGuardOptions {
  readonly feeds: EventFeeds;
  readonly sight: PoolSight;
  /** Whether this is the worker that sees to it. */
  readonly isOurs: () => boolean;
  readonly logger: Logger;
}

const CHECK_MS = 1_000;

export class FeedGuard {
  readonly #options: FeedGuardOptions;
  #timer: Timer | undefined;
  #isChecking = false;

  constructor(options: FeedGuardOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = every(CHECK_MS, () => {
      if (this.#isChecking || !this.#options.isOurs()) return;
      this.#isChecking = true;
      void this.#check()
        .catch((error) =>
          this.#options.logger.warn({ reason: messageOf(error) }, 'could not check the feeds'),
        )
        .finally(() => {
          this.#isChecking = false;
        });
    });
  }

  close(): void {
    this.#timer?.cancel();
  }

  async #check(): Promise<void> {
    const { feeds, sight } = this.#options;
    await feeds.closeForbidden(async (name, pool) => {
      const asker = askerOf(name);
      return asker !== undefined && (await sight.sees(asker, pool));
    });
  }
}
