/** One agent's line to the system: its decisions go out, their outcomes come back. */
import type { NatsConnection } from 'nats';
import type { DecisionPublisher, PublishAck } from '../../bus/decision-publisher.ts';
import type { QueryClient } from '../../bus/query-client.ts';
import { type Place, Window } from '../../bus/window.ts';
import { messageOf, OutcomeUnknownError, PublishError, QueryError } from '../../lib/errors.ts';
import { isNotFound } from '../../protocol/codes.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { EncodedDecision } from './encode-decision.ts';
import { DecisionIdReusedError, isAnswerTo, PendingOutcomes } from './pending-outcomes.ts';

export interface DecisionChannelOptions {
  readonly connection: NatsConnection;
  readonly subjects: Subjects;
  readonly queries: QueryClient;
  readonly publisher: DecisionPublisher;
  readonly agent: string;
  readonly maxOutstanding: number;
  /** For how long the system remembers outcomes, milliseconds. */
  readonly outcomeRetentionMs: () => number;
  readonly askAfterMs?: number | undefined;
}

/** The log has the decision; whether it is accepted is for the outcome to tell. */
export interface Published {
  readonly decisionId: string;
  /** Where in the log it stands. Decided again with the same id it stands there twice, and is answered once. */
  readonly seq: number;
}

/** A decision under way. Both promises may be ignored. */
export interface Sent {
  readonly decisionId: string;
  readonly stored: Promise<Published>;
  readonly outcome: Promise<Outcome>;
}

interface Listener {
  readonly stored: (ack: PublishAck) => void;
  readonly outcome: (outcome: Outcome) => void;
  readonly failed: (error: Error) => void;
}

/** At the end of its time a decision that nobody confirmed is asked for: this share of the time, and so much at most. */
const ASKING_SHARE = 0.1;
const MOST_ASKING_MS = 2_000;

export class DecisionChannel {
  readonly #options: DecisionChannelOptions;
  readonly #publisher: DecisionPublisher;
  readonly #pending: PendingOutcomes;
  readonly #outstanding: Window;

  constructor(options: DecisionChannelOptions) {
    this.#options = options;
    this.#publisher = options.publisher;
    this.#pending = new PendingOutcomes(options);
    this.#outstanding = new Window(options.maxOutstanding);
  }

  decide(encoded: EncodedDecision, timeoutMs: number): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#start(encoded, timeoutMs, { stored: ignore, outcome: resolve, failed: reject });
    });
  }

  send(encoded: EncodedDecision, timeoutMs: number): Sent {
    const { decisionId } = encoded;
    let listener: Partial<Listener> = {};
    const stored = new Promise<Published>((resolve, reject) => {
      listener = { stored: (ack) => resolve({ decisionId, ...ack }), failed: reject };
    });
    const outcome = new Promise<Outcome>((resolve, reject) => {
      this.#start(encoded, timeoutMs, {
        stored: (ack) => listener.stored?.(ack),
        outcome: resolve,
        failed: (error) => {
          listener.failed?.(error);
          reject(error);
        },
      });
    });
    stored.catch(ignore);
    outcome.catch(ignore);
    return { decisionId, stored, outcome };
  }

  async publish(encoded: EncodedDecision, timeoutMs: number): Promise<Published> {
    const { decisionId } = encoded;
    const deadline = performance.now() + timeoutMs;
    try {
      return { decisionId, ...(await this.#publish(encoded, timeoutMs)) };
    } catch (error) {
      if (!(error instanceof PublishError) || !error.mayBeStored) throw error;
      return { decisionId, seq: await this.#placeOf(encoded, deadline - performance.now(), error) };
    }
  }

  /** Where a decision stands whose sending nobody confirmed, as its outcome says. */
  async #placeOf(encoded: EncodedDecision, timeoutMs: number, doubt: PublishError): Promise<number> {
    const { pool, agent, decisionId } = encoded;
    try {
      const query = { pool, agent, decisionId };
      const outcome = await this.#options.queries.ask('outcome', query, {
        timeoutMs: Math.max(1, timeoutMs),
      });
      if (isAnswerTo(outcome, encoded, agent)) return outcome.seq;
      throw new DecisionIdReusedError(
        `decision ${decisionId} in pool ${pool} has an id that was used before: ${outcome.type}`,
      );
    } catch (error) {
      if (error instanceof QueryError && isNotFound(error.code)) throw unknownOutcome(encoded, doubt);
      throw error instanceof DecisionIdReusedError ? error : doubt;
    }
  }

  listen(listener: (decisionId: string) => void): () => void {
    return this.#pending.listen(listener);
  }

  close(why: string): void {
    this.#pending.close(why);
  }

  /** Waits for its turn, publishes, and waits for the outcome; the time counts from here on. */
  #start(encoded: EncodedDecision, timeoutMs: number, listener: Listener): void {
    const deadline = performance.now() + timeoutMs;
    const place: Place = {
      size: 0,
      state: 'outside',
      begin: () => {
        const began = performance.now();
        this.#publish(encoded, deadline - performance.now()).then(
          (ack) => {
            this.#pending.wasStored(expectation);
            listener.stored(ack);
          },
          (error) => {
            if (!(error instanceof PublishError) || !error.mayBeStored) {
              this.#pending.fail(expectation, error);
              return;
            }
            const untilMs = Math.min(deadline, began + this.#options.outcomeRetentionMs());
            this.#pending.isInDoubt(expectation, untilMs, error, unknownOutcome(encoded, error));
          },
        );
      },
    };
    const expectation = this.#pending.expect(encoded, {
      timeoutMs,
      resolve: (outcome) => {
        this.#outstanding.leave(place);
        listener.stored({ seq: outcome.seq });
        listener.outcome(outcome);
      },
      reject: (error) => {
        this.#outstanding.leave(place);
        listener.failed(error);
      },
    });
    if (!expectation.isSettled) this.#outstanding.enter(place);
  }

  /**
   * Sends it, and again, for half of the time at most that the system remembers it: what came later than that would be
   * decided a second time. The end of the time is for asking what became of it.
   */
  #publish({ subject, payload }: EncodedDecision, timeoutMs: number): Promise<PublishAck> {
    const askingMs = Math.min(MOST_ASKING_MS, timeoutMs * ASKING_SHARE);
    const deadlineMs = Math.min(timeoutMs - askingMs, this.#options.outcomeRetentionMs() / 2);
    return this.#publisher.publish({ subject, payload, deadlineMs });
  }
}

function unknownOutcome(
  { type, pool, decisionId }: EncodedDecision,
  doubt: PublishError,
): OutcomeUnknownError {
  return new OutcomeUnknownError(
    `the system has no outcome of ${type} in pool ${pool}, but may have applied it (${messageOf(doubt)}): ` +
      `decide again with the same content and the same id, ${decisionId}`,
  );
}

function ignore(): void {}
