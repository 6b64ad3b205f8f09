/**
 * Commits until it is certain what became of it. An answer that was lost says nothing, and neither does the position:
 * another worker that applied the same messages leads to the same one, and what this worker decided may already have
 * seen what that one wrote. The commit itself knows: sent again with its id, it is either recognised, or applied now, or
 * another worker was there.
 */
import type { Logger } from 'pino';
import { messageOf, ShardLostError } from '../errors.ts';
import type { ShardCommit, ShardStore } from '../state/shard-store.ts';
import type { Clock } from './ports.ts';

export interface CommitLoopOptions {
  readonly store: ShardStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly isStopping: () => boolean;
}

const RETRY_MS = 250;

export class CommitLoop {
  readonly #options: CommitLoopOptions;

  constructor(options: CommitLoopOptions) {
    this.#options = options;
  }

  async commit(commit: ShardCommit): Promise<void> {
    const { store, clock, logger, isStopping } = this.#options;
    for (;;) {
      try {
        await store.commit(commit);
        return;
      } catch (error) {
        if (error instanceof ShardLostError || isStopping()) throw error;
        logger.warn({ reason: messageOf(error), commit: commit.id }, 'the answer of a commit was lost');
      }
      await clock.sleep(RETRY_MS);
    }
  }
}
