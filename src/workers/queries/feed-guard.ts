/** An agent that left a private pool, or was removed from it, must not receive its events. One worker enforces that. */
import type { Logger } from 'pino';
import type { EventFeeds } from '../../bus/event-feeds.ts';
import { messageOf } from '../../lib/errors.ts';
import { Periodic } from '../../lib/periodic.ts';
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
  readonly #checks: Periodic;

  constructor(options: FeedGuardOptions) {
    this.#options = options;
    this.#checks = new Periodic({
      everyMs: CHECK_MS,
      run: () => this.#check(),
      onError: (error) => options.logger.warn({ reason: messageOf(error) }, 'could not check the feeds'),
    });
  }

  start(): void {
    this.#checks.start();
  }

  close(): void {
    void this.#checks.stop();
  }

  async #check(): Promise<void> {
    const { feeds, sight, isOurs } = this.#options;
    if (!isOurs()) return;
    await feeds.closeForbidden(async (name, pool) => {
      const asker = askerOf(name);
      return asker !== undefined && (await sight.sees(asker, pool));
    });
  }
}
