/**
 * Commits until it is certain what became of it. What to do when a commit fails depends on how far it came:
 *
 * - never sent (larger than a bound, or it cannot be encoded): sending it again changes nothing. The shard is loaded
 *   again and goes on message by message; one alone that cannot be committed halts it.
 * - refused before anything was written: the store may take it later. The same commit, after a while.
 * - no answer: that says nothing, and neither does the position. Another worker that applied the same messages leads to
 *   the same one, and what this worker decided may already have seen what that one wrote. The commit itself knows: sent
 *   again with its id, it is either recognised, or applied now, or another worker was there.
 * - any other answer: part of it may be written. Then the shard stands as lost, and is restored when it is loaded.
 */
import type { Logger } from 'pino';
import {
  messageOf,
  ShardLostError,
  UnavailableError,
  WriteFailedError,
  type WriteFailure,
} from '../errors.ts';
import type { WriteSize } from '../state/script-writer.ts';
import { LOST, type ShardCommit, type ShardStore } from '../state/shard-store.ts';
import { ShardHaltedError } from './halting.ts';
import type { WorkerMetrics } from './metrics.ts';
import type { Clock } from './ports.ts';

export interface CommitLoopOptions {
  readonly store: ShardStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
  /** Given when the worker stops: then nothing is tried again. */
  readonly stopped: AbortSignal;
}

/** The commit of several messages failed for good: each of them is to be committed alone. */
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
/** How long a shard whose commit cannot be made stays halted before that is tried again: it is loaded for that. */
const CANNOT_COMMIT_MS = 30_000;

export class CommitLoop {
  readonly #options: CommitLoopOptions;
  #failing: { readonly failure: WriteFailure; readonly reason: string } | undefined;
  /** Where a commit broke off last: once it can be the store's fault, twice it is the commit's. */
  #brokeAt: number | undefined;

  constructor(options: CommitLoopOptions) {
    this.#options = options;
  }

  /** Why the commit under way has not succeeded yet; undefined when none has failed. */
  get failing(): { readonly failure: WriteFailure; readonly reason: string } | undefined {
    return this.#failing;
  }

  /**
   * Answers how large it was. Throws {@link ShardLostError} when the shard does not stand where expected any more,
   * {@link BatchRefusedError} when it can be tried in smaller pieces, {@link ShardHaltedError} when it cannot.
   */
  async commit(commit: ShardCommit, messages: number): Promise<WriteSize> {
    const { store, clock, stopped } = this.#options;
    try {
      for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, MAX_WAIT_MS)) {
        try {
          const size = await store.commit(commit);
          // What comes before the place where it broke off passes again when the shard was brought back.
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

  /** It is not known whether anything was written: the position says so. */
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

/** Stores say how far it came. What else is thrown came from our own code, before anything was sent. */
function failureOf(error: unknown): WriteFailure {
  if (error instanceof WriteFailedError) return error.failure;
  return error instanceof UnavailableError ? 'unanswered' : 'unsent';
}
