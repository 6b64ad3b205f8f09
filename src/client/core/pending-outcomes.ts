/**
 * Where an agent waits for the outcomes of its decisions. Results are told once and not kept, so whatever does not
 * arrive (a lost connection, a worker that crashed before telling) is asked for again with the query `outcome`.
 */
import type { Msg, NatsConnection, Subscription } from 'nats';
import { permissionDenied } from '../../bus/permission-denied.ts';
import type { QueryClient } from '../../bus/query-client.ts';
import { watchConnection } from '../../bus/watch-connection.ts';
import {
  ConvergeError,
  messageOf,
  OutcomeTimeoutError,
  QueryError,
  UnavailableError,
} from '../../lib/errors.ts';
import { every, type Timer } from '../../lib/timers.ts';
import { isNotFound } from '../../protocol/codes.ts';
import { isObject } from '../../protocol/json.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { localOutcome } from './encode-decision.ts';

/** The agent has used the id in this pool before, for another decision, and that one's outcome is the id's. */
export class DecisionIdReusedError extends ConvergeError {
  readonly kind = 'usage';
}

/** The decision to which the outcome must belong. */
export interface Expected {
  readonly decisionId: string;
  readonly type: string;
  readonly pool: string;
  /** Hash of the bytes that were sent. */
  readonly body: string;
}

export interface ExpectOptions {
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
  readonly timeoutMs: number;
}

interface Doubt {
  readonly unanswered: Error;
  readonly unknown: Error;
  /** A worker has said that it knows no outcome. */
  isUnknown: boolean;
}

/** One who waits. Made by {@link PendingOutcomes.expect}, and nobody else's to change. */
export interface Expectation {
  readonly expected: Expected;
  readonly options: ExpectOptions;
  deadline: number;
  askAt: number;
  askDelayMs: number;
  isAsking: boolean;
  isStored: boolean;
  /** Set when nobody confirmed that it was stored: with what it ends if nothing is known of it by the deadline. */
  doubt: Doubt | undefined;
  isSettled: boolean;
  /** Another one who waits for the same id. */
  also: Expectation | undefined;
}

export interface PendingOutcomesOptions {
  readonly connection: NatsConnection;
  readonly subjects: Subjects;
  readonly queries: QueryClient;
  readonly agent: string;
  /** How long to wait for a result before asking for it, milliseconds; doubles each time (1,000). */
  readonly askAfterMs?: number | undefined;
}

const SWEEP_MS = 100;
const ASK_TIMEOUT_MS = 2_000;
const MAX_ASK_DELAY_MS = 10_000;
const ASKING_AT_ONCE = 16;

export class PendingOutcomes {
  readonly #options: PendingOutcomesOptions;
  readonly #askAfterMs: number;
  readonly #results: Subscription;
  readonly #subjectPrefix: string;
  readonly #waiting = new Map<string, Expectation>();
  readonly #toAsk = new Set<Expectation>();
  readonly #unwatch: () => void;
  readonly #listeners = new Set<(decisionId: string) => void>();
  #asking = 0;
  #timer: Timer | undefined;
  #closedBecause: Error | undefined;

  constructor(options: PendingOutcomesOptions) {
    this.#options = options;
    this.#askAfterMs = options.askAfterMs ?? 1_000;
    const { connection, subjects, agent } = options;
    const subject = subjects.resultsOf(agent);
    this.#subjectPrefix = subject.slice(0, -1);
    this.#results = connection.subscribe(subject, {
      callback: (error, result) =>
        error === null ? this.#onResult(result) : this.close(permissionDenied(error) ?? messageOf(error)),
    });
    this.#unwatch = watchConnection(connection, {
      reconnected: () => this.#askForAll(),
      closed: (why) => this.close(why ?? 'the connection is closed'),
    });
  }

  /**
   * Has to be called before the decision is published. The outcome rejects with an {@link OutcomeTimeoutError} when it
   * is not known in time, counted from now.
   */
  expect(expected: Expected, options: ExpectOptions): Expectation {
    const now = performance.now();
    const expectation: Expectation = {
      expected,
      options,
      deadline: now + options.timeoutMs,
      // Nobody knows of it before the log has it.
      askAt: Number.POSITIVE_INFINITY,
      askDelayMs: this.#askAfterMs,
      isAsking: false,
      isStored: false,
      doubt: undefined,
      isSettled: false,
      also: this.#waiting.get(expected.decisionId),
    };
    this.#waiting.set(expected.decisionId, expectation);
    this.#timer ??= every(SWEEP_MS, () => this.#sweep());
    if (this.#closedBecause !== undefined) this.fail(expectation, this.#closedBecause);
    return expectation;
  }

  /** The log has the decision: from here on it is the worker that is waited for. */
  wasStored(expectation: Expectation): void {
    expectation.isStored = true;
    expectation.askAt = performance.now() + expectation.askDelayMs;
  }

  /**
   * It was sent, and nobody confirmed it. It is not sent again, only asked for, until then; where no worker knows it, it
   * ends as unknown, and where none answered, with what was wrong in the first place.
   */
  isInDoubt(expectation: Expectation, until: number, unanswered: Error, unknown: Error): void {
    expectation.doubt = { unanswered, unknown, isUnknown: false };
    expectation.deadline = Math.min(expectation.deadline, until);
    this.#ask(expectation);
  }

  fail(expectation: Expectation, error: Error): void {
    this.#settle(expectation, error);
  }

  close(why: string | Error): void {
    if (this.#closedBecause !== undefined) return;
    const error = why instanceof Error ? why : new UnavailableError(why);
    this.#closedBecause = error;
    this.#unwatch();
    this.#timer?.cancel();
    this.#results.unsubscribe();
    this.#listeners.clear();
    for (const waiting of this.#everyone()) this.#settle(waiting, error);
  }

  /** Receives the id of every decision whose outcome is sent to the agent, until it is closed. */
  listen(listener: (decisionId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #onResult(result: Msg): void {
    const decisionId = result.subject.slice(this.#subjectPrefix.length);
    for (const listener of this.#listeners) listener(decisionId);
    let waiting = this.#waiting.get(decisionId);
    if (waiting === undefined) return;
    const outcome = outcomeOf(result);
    for (let next: Expectation | undefined; waiting !== undefined; waiting = next) {
      next = waiting.also;
      if (outcome !== undefined && isAnswerTo(outcome, waiting.expected, this.#options.agent)) {
        this.#settle(waiting, outcome);
      } else {
        // Not ours, no matter who sent it: what the system remembers decides.
        this.#ask(waiting);
      }
    }
  }

  #sweep(): void {
    const now = performance.now();
    for (const waiting of this.#everyone()) {
      // Until the log has it the publisher knows better what is wrong, and gives up at the same time.
      const isLeftToPublisher = !waiting.isStored && waiting.doubt === undefined;
      if (now >= waiting.deadline + (isLeftToPublisher ? SWEEP_MS * 3 : 0)) {
        this.#settle(waiting, endOf(waiting));
      } else if (now >= waiting.askAt) this.#ask(waiting);
    }
    if (this.#waiting.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #askForAll(): void {
    for (const waiting of this.#everyone())
      if (waiting.isStored || waiting.doubt !== undefined) this.#ask(waiting);
  }

  #ask(waiting: Expectation): void {
    if (waiting.isAsking || waiting.isSettled) return;
    waiting.isAsking = true;
    this.#toAsk.add(waiting);
    this.#askNext();
  }

  #askNext(): void {
    for (const waiting of this.#toAsk) {
      if (this.#asking >= ASKING_AT_ONCE) return;
      this.#toAsk.delete(waiting);
      if (waiting.isSettled) continue;
      this.#asking++;
      void this.#askOnce(waiting).finally(() => {
        this.#asking--;
        this.#askNext();
      });
    }
  }

  async #askOnce(waiting: Expectation): Promise<void> {
    const { expected } = waiting;
    const { agent, queries } = this.#options;
    try {
      const outcome = await queries.ask(
        'outcome',
        { pool: expected.pool, agent, decisionId: expected.decisionId },
        { timeoutMs: Math.max(1, Math.min(ASK_TIMEOUT_MS, waiting.deadline - performance.now())) },
      );
      this.#settle(waiting, isAnswerTo(outcome, expected, agent) ? outcome : reusedId(expected, outcome));
    } catch (error) {
      if (waiting.doubt !== undefined)
        waiting.doubt.isUnknown = error instanceof QueryError && isNotFound(error.code);
    } finally {
      waiting.isAsking = false;
      waiting.askAt = performance.now() + waiting.askDelayMs;
      waiting.askDelayMs = Math.min(waiting.askDelayMs * 2, MAX_ASK_DELAY_MS);
    }
  }

  #settle(waiting: Expectation, result: Outcome | Error): void {
    if (waiting.isSettled) return;
    waiting.isSettled = true;
    this.#forget(waiting);
    if (result instanceof Error) waiting.options.reject(result);
    else waiting.options.resolve(result);
  }

  #forget(waiting: Expectation): void {
    const { decisionId } = waiting.expected;
    const first = this.#waiting.get(decisionId);
    if (first === waiting) {
      if (waiting.also === undefined) this.#waiting.delete(decisionId);
      else this.#waiting.set(decisionId, waiting.also);
      return;
    }
    for (let before = first; before !== undefined; before = before.also) {
      if (before.also === waiting) before.also = waiting.also;
    }
  }

  *#everyone(): Iterable<Expectation> {
    for (const first of this.#waiting.values()) {
      let waiting: Expectation | undefined = first;
      for (let next: Expectation | undefined; waiting !== undefined; waiting = next) {
        next = waiting.also;
        yield waiting;
      }
    }
  }
}

function outcomeOf(result: Msg): Outcome | undefined {
  try {
    const body = result.json<unknown>();
    return isOutcome(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

function isOutcome(body: unknown): body is Outcome {
  return isObject(body) && (body.status === 'accepted' || body.status === 'rejected');
}

/** Of this decision, byte for byte: the same id can stand for another one, in another pool or by another process. */
export function isAnswerTo(outcome: Outcome, { decisionId, pool, body }: Expected, agent: string): boolean {
  return (
    outcome.decisionId === decisionId &&
    outcome.agent === agent &&
    outcome.pool === pool &&
    outcome.body === body
  );
}

/** The id stands for another decision, so this one was refused, or will be: as the system says it, which was missed. */
function reusedId({ decisionId, type, pool, body }: Expected, first: Outcome): Outcome {
  return localOutcome(
    { decisionId, type, agent: first.agent, pool, body },
    {
      status: 'rejected',
      code: 'id_reused',
      message: `the id is used by another decision, ${first.type}; choose a new one`,
    },
  );
}

/** With what a wait ends in which nothing was heard. */
function endOf(waiting: Expectation): Error {
  const { doubt } = waiting;
  if (doubt === undefined) return timeoutOf(waiting);
  return doubt.isUnknown ? doubt.unknown : doubt.unanswered;
}

function timeoutOf({ expected, options, isStored }: Expectation): OutcomeTimeoutError {
  const { decisionId, type, pool } = expected;
  const where = isStored ? 'the log has it' : 'the log has not confirmed it';
  return new OutcomeTimeoutError(
    `no outcome of ${type} in pool ${pool} within ${options.timeoutMs} ms (${where}); it may still be applied: ` +
      `decide again with the same content and the same id, ${decisionId}`,
  );
}
