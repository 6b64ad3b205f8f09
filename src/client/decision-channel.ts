/** One agent's line to the system: its decisions go out, their outcomes come back. */
import type { NatsConnection } from 'nats';
import type { DecisionPublisher, PublishAck } from '../bus/decision-publisher.ts';
import type { QueryClient } from '../bus/query-client.ts';
import { type Place, Window } from '../bus/window.ts';
import { SHARD_POOL } from '../protocol/names.ts';
import { decisionKey, type Outcome } from '../protocol/outcome.ts';
import type { Subjects } from '../protocol/subjects.ts';
import { OutcomeDesk } from './outcome-desk.ts';
import type { Parcel } from './parcel.ts';

export interface DecisionChannelOptions {
  readonly connection: NatsConnection;
  readonly subjects: Subjects;
  readonly queries: QueryClient;
  readonly publisher: DecisionPublisher;
  readonly agent: string;
  readonly maxOutstanding: number;
  readonly askAfterMs?: number | undefined;
}

/** The log has the decision; whether it is accepted is for the outcome to tell. */
export interface Published {
  readonly decisionId: string;
  /** Where in the log it stands. */
  readonly seq: number;
  /** The log held a message of this agent with this id already: of an earlier call, or sent twice by this one. */
  readonly duplicate: boolean;
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

export class DecisionChannel {
  readonly #publisher: DecisionPublisher;
  readonly #desk: OutcomeDesk;
  readonly #outstanding: Window;

  constructor(options: DecisionChannelOptions) {
    this.#publisher = options.publisher;
    this.#desk = new OutcomeDesk(options);
    this.#outstanding = new Window(options.maxOutstanding);
  }

  decide(parcel: Parcel, timeoutMs: number): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#start(parcel, timeoutMs, { stored: ignore, outcome: resolve, failed: reject });
    });
  }

  send(parcel: Parcel, timeoutMs: number): Sent {
    const { decisionId } = parcel;
    let listener: Partial<Listener> = {};
    const stored = new Promise<Published>((resolve, reject) => {
      listener = { stored: (ack) => resolve({ decisionId, ...ack }), failed: reject };
    });
    const outcome = new Promise<Outcome>((resolve, reject) => {
      this.#start(parcel, timeoutMs, {
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

  async publish(parcel: Parcel, timeoutMs: number): Promise<Published> {
    const ack = await this.#publish(parcel, timeoutMs);
    return { decisionId: parcel.decisionId, ...ack };
  }

  listen(listener: (decisionId: string) => void): () => void {
    return this.#desk.listen(listener);
  }

  close(why: string): void {
    this.#desk.close(why);
  }

  /** Waits for its turn, publishes, and waits for the outcome; the time counts from here on. */
  #start(parcel: Parcel, timeoutMs: number, listener: Listener): void {
    const deadline = performance.now() + timeoutMs;
    const place: Place = {
      size: 0,
      state: 'outside',
      begin: () => {
        this.#publish(parcel, deadline - performance.now()).then(
          (ack) => {
            if (ack.duplicate) this.#desk.wasRepeated(expectation);
            else this.#desk.wasStored(expectation);
            listener.stored(ack);
          },
          (error) => this.#desk.fail(expectation, error),
        );
      },
    };
    const expectation = this.#desk.expect(parcel, {
      timeoutMs,
      isInPool: parcel.pool !== SHARD_POOL,
      resolve: (outcome) => {
        this.#outstanding.leave(place);
        listener.stored({ seq: outcome.seq, duplicate: false });
        listener.outcome(outcome);
      },
      reject: (error) => {
        this.#outstanding.leave(place);
        listener.failed(error);
      },
      sendAgain: () => void this.#publishAnew(parcel, deadline - performance.now()).catch(ignore),
    });
    if (!expectation.isSettled) this.#outstanding.enter(place);
  }

  #publish(parcel: Parcel, deadlineMs: number): Promise<PublishAck> {
    const { subject, payload, agent, decisionId } = parcel;
    return this.#publisher.publish({
      subject,
      payload,
      messageId: decisionKey(agent, decisionId),
      deadlineMs,
    });
  }

  /** Without an id the broker stores it whatever it remembers. */
  #publishAnew({ subject, payload }: Parcel, deadlineMs: number): Promise<PublishAck> {
    return this.#publisher.publish({ subject, payload, deadlineMs });
  }
}

function ignore(): void {}
