/** Hears every outcome that is told, on a connection that no fault touches, and writes it down. */
import type { Msg, NatsConnection } from 'nats';
import type { Outcome } from '../../src/protocol/outcome.ts';
import type { Subjects } from '../../src/protocol/subjects.ts';
import type { Recorder } from '../history/recorder.ts';

export class OutcomeWatch {
  readonly #recorder: Recorder;
  readonly #known = new Map<string, Outcome>();
  readonly #waiting = new Map<string, (outcome: Outcome) => void>();
  readonly #onOutcome: (agent: string, id: string, outcome: Outcome) => void;

  constructor(
    connection: NatsConnection,
    subjects: Subjects,
    recorder: Recorder,
    onOutcome: (agent: string, id: string, outcome: Outcome) => void,
  ) {
    this.#recorder = recorder;
    this.#onOutcome = onOutcome;
    connection.subscribe(subjects.allResults, {
      callback: (error, message) => {
        if (error === null) this.#onResult(message);
      },
    });
  }

  knows(agent: string, id: string): boolean {
    return this.#known.has(`${agent}.${id}`);
  }

  /** The outcome of a decision as soon as it is known; undefined when that takes too long. */
  next(agent: string, id: string, withinMs: number): Promise<Outcome | undefined> {
    const key = `${agent}.${id}`;
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
  onAnswer(agent: string, id: string, outcome: Outcome): void {
    this.#take(agent, id, 'query', JSON.stringify(outcome), outcome);
  }

  #onResult(message: Msg): void {
    const [agent, id] = message.subject.split('.').slice(-2);
    if (agent === undefined || id === undefined) return;
    const text = message.string();
    this.#take(agent, id, 'result', text, message.json<Outcome>());
  }

  #take(agent: string, id: string, via: 'result' | 'query', text: string, outcome: Outcome): void {
    this.#recorder.write({ t: 'outcome', at: Date.now(), agent, id, via, text });
    const key = `${agent}.${id}`;
    this.#known.set(key, outcome);
    this.#waiting.get(key)?.(outcome);
    this.#onOutcome(agent, id, outcome);
  }
}
