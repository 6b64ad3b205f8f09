/** Publishes decisions as fast as a window of unanswered ones allows, and counts the outcomes. */
import { connect, headers, type NatsConnection } from 'nats';
import { isObject } from '../src/protocol/json.ts';
import { subjects } from '../src/protocol/subjects.ts';

const SHARDS = 16;

export class BenchAgent {
  readonly accepted = { count: 0 };
  readonly rejected: string[] = [];
  readonly #connection: NatsConnection;
  readonly #agent: string;
  readonly #subjects = subjects();
  readonly #onResult = new Map<string, (at: number) => void>();
  #answered = 0;
  #wake: (() => void) | undefined;

  private constructor(connection: NatsConnection, agent: string) {
    this.#connection = connection;
    this.#agent = agent;
    const prefix = this.#subjects.resultsOf(agent).length - 1;
    connection.subscribe(this.#subjects.resultsOf(agent), {
      callback: (error, message) => {
        if (error !== null) return;
        const at = performance.now();
        this.#answered++;
        if (message.string().includes('"status":"accepted"')) this.accepted.count++;
        else this.rejected.push(message.string());
        const id = message.subject.slice(prefix);
        this.#onResult.get(id)?.(at);
        this.#onResult.delete(id);
        this.#wake?.();
      },
    });
  }

  static async connect(url: string, agent: string): Promise<BenchAgent> {
    const connection = await connect({ servers: url });
    const bench = new BenchAgent(connection, agent);
    await connection.flush();
    return bench;
  }

  get answered(): number {
    return this.#answered;
  }

  publish(
    pool: string,
    decision: { readonly id: string; readonly type: string },
    onResult?: (at: number) => void,
  ): void {
    if (onResult !== undefined) this.#onResult.set(decision.id, onResult);
    const id = headers();
    id.set('Nats-Msg-Id', `${this.#agent}.${decision.id}`);
    this.#connection.publish(this.#subjects.decision(pool, this.#agent, SHARDS), JSON.stringify(decision), {
      headers: id,
    });
  }

  /** Resolves when at least so many outcomes have arrived. */
  async until(answered: number): Promise<void> {
    while (this.#answered < answered) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = undefined;
  }

  async query(name: string): Promise<unknown> {
    const reply: unknown = (await this.#connection.request(this.#subjects.query(name), '{}')).json();
    return isObject(reply) ? reply.ok : undefined;
  }

  async close(): Promise<void> {
    await this.#connection.drain();
  }
}
