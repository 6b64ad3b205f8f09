/**
 * Agents on one connection, as a process has them that does much: decisions are published without waiting for the
 * log's own acknowledgement, because the outcome says more; what is under way is bounded by the caller.
 */
import { connect, type NatsConnection } from 'nats';
import { isObject } from '../../../src/protocol/json.ts';
import { subjects } from '../../../src/protocol/subjects.ts';

export type OnOutcome = (json: string, at: number) => void;

export interface Body {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface AgentsOptions {
  readonly url: string;
  readonly namespace: string;
  readonly shards: number;
  readonly agents: readonly string[];
}

export class Agents {
  readonly #connection: NatsConnection;
  readonly #options: AgentsOptions;
  readonly #decisionSubjects = new Map<string, string>();
  readonly #waiting = new Map<string, OnOutcome>();
  readonly #subjects;
  #wake: (() => void) | undefined;

  static async connect(options: AgentsOptions): Promise<Agents> {
    const agents = new Agents(await connect({ servers: options.url }), options);
    await agents.#connection.flush();
    return agents;
  }

  private constructor(connection: NatsConnection, options: AgentsOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#subjects = subjects(options.namespace);
    const prefix = `${options.namespace}.results.`.length;
    for (const agent of options.agents) {
      connection.subscribe(this.#subjects.resultsOf(agent), {
        callback: (error, message) => {
          if (error !== null) return;
          const key = message.subject.slice(prefix);
          const onOutcome = this.#waiting.get(key);
          if (onOutcome === undefined) return;
          this.#waiting.delete(key);
          onOutcome(Buffer.from(message.data).toString(), performance.now());
          this.#wake?.();
        },
      });
    }
  }

  /** Decisions published whose outcome is not known. */
  get underWay(): number {
    return this.#waiting.size;
  }

  publish(pool: string, agent: string, id: string, body: Body, onOutcome: OnOutcome): void {
    const key = `${agent}.${id}`;
    this.#waiting.set(key, onOutcome);
    // The id comes first: the raw pipe finds it there without reading the rest.
    const payload = Buffer.from(JSON.stringify({ id, ...body }));
    this.#connection.publish(this.#subjectOf(pool, agent), payload);
  }

  /** Resolves with the outcome. */
  decide(pool: string, agent: string, id: string, body: Body): Promise<string> {
    return new Promise((resolve) => this.publish(pool, agent, id, body, resolve));
  }

  /** Resolves when at most so many decisions are under way; rejects when none is answered for a long time. */
  async atMost(count: number): Promise<void> {
    while (this.underWay > count) await this.#nextOutcome();
    this.#wake = undefined;
  }

  async ask(query: string, args: object): Promise<unknown> {
    const subject = this.#subjects.query(query);
    const reply: unknown = (await this.#connection.request(subject, JSON.stringify(args))).json();
    if (!isObject(reply) || reply.ok === undefined)
      throw new Error(`${query} was refused: ${JSON.stringify(reply)}`);
    return reply.ok;
  }

  async close(): Promise<void> {
    await this.#connection.drain();
  }

  #subjectOf(pool: string, agent: string): string {
    const key = `${pool} ${agent}`;
    let subject = this.#decisionSubjects.get(key);
    if (subject === undefined) {
      subject = this.#subjects.decision(pool, agent, this.#options.shards);
      this.#decisionSubjects.set(key, subject);
    }
    return subject;
  }

  #nextOutcome(): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        const [first] = this.#waiting.keys();
        reject(new Error(`${this.underWay} decisions are not answered, ${first} among them`));
      }, SILENCE_MS);
      this.#wake = () => {
        clearTimeout(late);
        resolve();
      };
    });
  }
}

const SILENCE_MS = 30_000;
