/**
 * Commits, and retries until the result is certain. The reaction to a failed commit depends on how far it came:
 *
 * - never sent (larger than a bound, or it cannot be encoded): sending it again changes nothing. The shard is loaded
 *   again and commits message by message; a single message that cannot be committed halts it.
 * - refused before anything was written: the store may accept it later. The same commit is sent after a while.
 * - no reply: that proves nothing, and neither does the position. Another worker that applied the same messages leads to
 *   the same position, and this worker's decisions may already have seen what that one wrote. The commit id decides: sent
 *   again, the commit is either recognised, or applied now, or another worker was there.
 * - any other reply: part of it may be written. Then the shard counts as lost, and is restored when it is loaded.
 */
import type { Logger } from 'pino';
import {
  messageOf,
  ShardLostError,
  UnavailableError,
  WriteFailedError,
  type WriteFailure,
} from '../../lib/errors.ts';
import type { WriteSize } from '../../state/script-writer.ts';
import { LOST, type ShardCommit, type ShardStore } from '../../state/shard-store.ts';
import type { WorkerMetrics } from '../health/metrics.ts';
import { ShardHaltedError } from './halting.ts';
import type { Clock } from './ports.ts';

export interface CommitLoopOptions {
  readonly store: ShardStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
  /** Aborted when the worker stops: then nothing is retried. */
  readonly stopped: AbortSignal;
}

/** The commit of several messages failed for good: each message must be committed alone. */
export class BatchRefusedError extends Error {
  /** The last message of the batch. */
  readonly lastSeq: number;

  constructor(lastSeq: number, reason: string) {
    super(reason);
    this.lastSeq = lastSeq;
  }
}

const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 5_000;
/** How long a shard whose commit cannot be made stays halted before it is loaded and tried again. */
const CANNOT_COMMIT_MS = 30_000;

export class CommitLoop {
  readonly #options: CommitLoopOptions;
  #failing: { readonly failure: WriteFailure; readonly reason: string } | undefined;
  /** Position at which a commit last broke off: once may be the store's fault, twice is the commit's. */
  #brokeAt: number | undefined;

  constructor(options: CommitLoopOptions) {
    this.#options = options;
  }

  /** Why the current commit has not succeeded yet; undefined when it has not failed. */
  get failing(): { readonly failure: WriteFailure; readonly reason: string } | undefined {
    return this.#failing;
  }

  /**
   * Returns its size. Throws {@link ShardLostError} when the shard is no longer at the expected position,
   * {@link BatchRefusedError} when it can be tried in smaller pieces, {@link ShardHaltedError} when it cannot.
   */
  async commit(commit: ShardCommit, messages: number): Promise<WriteSize> {
    const { store, clock, stopped } = this.#options;
    try {
      for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, MAX_WAIT_MS)) {
        try {
          const size = await store.commit(commit);
          // After the restore, the messages before the position at which it broke off pass again.
          if (commit.next.seq >= (this.#brokeAt ?? 0)) this.#brokeAt = undefined;
          return size;
        } catch (error) {
          if (error instanceof ShardLostError) throw error;
          const failure = this.#note(error, commit);
          if (failure === 'unsent') throw cannot(commit, messages, messageOf(error));
          if (failure === 'broken') throw await this.#broken(commit, messages, messageOf(error));
          if (stopped.aborted) throw error;
          await clock.sleep(failure === 'unanswered' ? FIRST_WAIT_MS : waitMs, stopped);
        }
      }
    } finally {
      this.#failing = undefined;
    }
  }

  #note(error: unknown, { id, next }: ShardCommit): WriteFailure {
    const { logger, metrics } = this.#options;
    const failure = failureOf(error);
    const reason = messageOf(error);
    this.#failing = { failure, reason };
    metrics.commitFailures.inc({ class: failure });
    logger.warn({ failure, reason, commit: id, seq: next.seq }, SAID[failure]);
    return failure;
  }

  /** Whether anything was written is unknown: the position tells. */
  async #broken(commit: ShardCommit, messages: number, reason: string): Promise<Error> {
    const { seq } = await this.#options.store.position();
    const isAgain = this.#brokeAt === commit.next.seq;
    this.#brokeAt = commit.next.seq;
    if (seq === LOST && !isAgain) return new ShardLostError(`a commit broke off part-way: ${reason}`);
    if (seq !== LOST && seq !== commit.expected.seq)
      return new ShardLostError(`the shard is at position ${seq}`);
    return cannot(commit, messages, reason);
  }
}

function cannot({ next: { seq } }: ShardCommit, messages: number, reason: string): Error {
  if (messages > 1) return new BatchRefusedError(seq, reason);
  return new ShardHaltedError(
    'cannot_commit',
    `could not commit message ${seq}: ${reason}`,
    { seq, reason },
    CANNOT_COMMIT_MS,
  );
}

const SAID: Readonly<Record<WriteFailure, string>> = {
  unsent: 'could not send a commit',
  refused: 'Redis refused a commit: sending it again',
  unanswered: 'lost the reply to a commit: sending it again',
  broken: 'a commit failed, and part of it may be written',
};

/** Stores say how far a write came. Any other error comes from our own code, before anything was sent. */
function failureOf(error: unknown): WriteFailure {
  if (error instanceof WriteFailedError) return error.failure;
  return error instanceof UnavailableError ? 'unanswered' : 'unsent';
}
