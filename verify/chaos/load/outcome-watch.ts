/** Hears every outcome that is told, on a connection that no fault touches, and writes it down. */
import type { Msg, NatsConnection } from 'nats';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import type { Subjects } from '../../../src/protocol/subjects.ts';
import { type Key, keyOf } from '../checker/testimony.ts';
import type { Recorder } from '../history/recorder.ts';

export class OutcomeWatch {
  readonly #recorder: Recorder;
  readonly #known = new Map<string, Outcome>();
  readonly #waiting = new Map<string, (outcome: Outcome) => void>();
  readonly #onOutcome: (key: Key, outcome: Outcome) => void;

  constructor(
    connection: NatsConnection,
    subjects: Subjects,
    recorder: Recorder,
    onOutcome: (key: Key, outcome: Outcome) => void,
  ) {
    this.#recorder = recorder;
    this.#onOutcome = onOutcome;
    connection.subscribe(subjects.allResults, {
      callback: (error, message) => {
        if (error === null) this.#onResult(message);
      },
    });
  }

  knows(key: Key): boolean {
    return this.#known.has(keyOf(key));
  }

  /** The outcome of a decision as soon as it is known; undefined when that takes too long. */
  next(decision: Key, withinMs: number): Promise<Outcome | undefined> {
    const key = keyOf(decision);
    const known = this.#known.get(key);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => {
      const done = (outcome: Outcome | undefined): void => {
        clearTimeout(timer);
        this.#waiting.delete(key);
        resolve(outcome);
      };
      const timer = setTimeout(done, withinMs, undefined);
      this.#waiting.set(key, done);
    });
  }

  /** Somebody asked for an outcome and was told this. */
  onAnswer(key: Key, outcome: Outcome): void {
    this.#take(key, 'query', JSON.stringify(outcome), outcome);
  }

  #onResult(message: Msg): void {
    const [agent, id] = message.subject.split('.').slice(-2);
    if (agent === undefined || id === undefined) return;
    const text = message.string();
    const outcome = message.json<Outcome>();
    this.#take({ pool: outcome.pool, agent, id }, 'result', text, outcome);
  }

  #take(decision: Key, via: 'result' | 'query', text: string, outcome: Outcome): void {
    this.#recorder.write({ t: 'outcome', at: Date.now(), ...decision, via, text });
    const key = keyOf(decision);
    this.#known.set(key, outcome);
    this.#waiting.get(key)?.(outcome);
    this.#onOutcome(decision, outcome);
  }
}
