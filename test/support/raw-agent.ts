/** An agent that was written from PROTOCOL.md alone: a NATS client, JSON, and nothing of ours. */
import { connect, headers, type NatsConnection, TimeoutError } from 'nats';

export interface RawOutcome {
  readonly decisionId: string;
  readonly type: string;
  readonly agent: string;
  readonly pool: string;
  readonly body: string;
  readonly status: 'accepted' | 'rejected';
  readonly code?: string;
  readonly message?: string;
  readonly transient?: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: the data of an outcome is whatever its decision says.
  readonly data?: any;
  readonly events: readonly string[];
  readonly shard: number;
  readonly seq: number;
  readonly at: number;
}

export interface PubAck {
  readonly seq: number;
  readonly duplicate?: boolean;
}

export interface Reply {
  // biome-ignore lint/suspicious/noExplicitAny: what a query answers is looked at by the test.
  readonly ok?: any;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface RawAgentOptions {
  readonly url: string;
  readonly ns: string;
  readonly shards: number;
  readonly name: string;
}

const OUTCOME_WITHIN_MS = 60_000;

export class RawAgent {
  readonly nats: NatsConnection;
  readonly name: string;
  /** Every result that arrived, as the bytes said it: decision id → texts. */
  readonly results = new Map<string, string[]>();
  readonly #options: RawAgentOptions;
  readonly #waiting = new Map<string, (outcome: RawOutcome) => void>();
  #next = 0;

  static async connect(options: RawAgentOptions): Promise<RawAgent> {
    const nats = await connect({
      servers: options.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
      reconnectJitter: 0,
    });
    const agent = new RawAgent(nats, options);
    await nats.flush();
    return agent;
  }

  private constructor(nats: NatsConnection, options: RawAgentOptions) {
    this.nats = nats;
    this.name = options.name;
    this.#options = options;
    nats.subscribe(`${options.ns}.results.${options.name}.*`, {
      callback: (_error, message) => this.#onResult(message.subject, message.string()),
    });
  }

  /** A fresh decision id. */
  newId(): string {
    return `${this.name}-${this.#next++}`;
  }

  /** Publishes into the log and resolves when the log confirms it. */
  async send(
    pool: string,
    decision: { readonly id: string; readonly [field: string]: unknown },
  ): Promise<PubAck> {
    const subject = `${this.#options.ns}.decisions.${this.shardOf(pool)}.${pool}.${this.name}`;
    return await this.sendRaw(subject, JSON.stringify(decision), { attempts: 8 });
  }

  /** With several attempts it is sent again while nobody confirms it: the log may keep more than one of them. */
  async sendRaw(
    subject: string,
    payload: string | Uint8Array,
    { messageId, attempts = 1 }: { readonly messageId?: string; attempts?: number } = {},
  ): Promise<PubAck> {
    const all = headers();
    if (messageId !== undefined) all.set('Nats-Msg-Id', messageId);
    for (let left = attempts; ; left--) {
      try {
        const ack = await this.nats.request(subject, payload, { timeout: 1_500, headers: all });
        const answer = ack.json<PubAck & { error?: { description: string } }>();
        if (answer.error !== undefined) throw new Error(`the log refused: ${answer.error.description}`);
        return answer;
      } catch (error) {
        if (left <= 1 || !(error instanceof TimeoutError)) throw error;
      }
    }
  }

  /** Decides something and waits for the outcome. */
  async decide(
    pool: string,
    fields: { readonly type: string; readonly id?: string; readonly [field: string]: unknown },
  ): Promise<RawOutcome> {
    const id = fields.id ?? this.newId();
    const outcome = this.outcomeOf(id, pool);
    await this.send(pool, { ...fields, id });
    return await outcome;
  }

  /** The next result of this decision that arrives. */
  outcomeOf(id: string, pool = '*'): Promise<RawOutcome> {
    const key = `${pool} ${id}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(key);
        reject(new Error(`no outcome of ${id} within ${OUTCOME_WITHIN_MS} ms`));
      }, OUTCOME_WITHIN_MS);
      this.#waiting.set(key, (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      });
    });
  }

  async query(name: string, body?: unknown): Promise<Reply> {
    const payload = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const reply = await this.nats.request(`${this.#options.ns}.queries.${name}`, payload, {
      timeout: 10_000,
    });
    return reply.json<Reply>();
  }

  /** FNV-1a, 32 bit, over the bytes of the pool's name, modulo the number of shards. */
  shardOf(pool: string): number {
    let hash = 0x811c9dc5;
    for (const byte of Buffer.from(pool)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    return hash % this.#options.shards;
  }

  async close(): Promise<void> {
    await this.nats.close();
  }

  #onResult(subject: string, text: string): void {
    const id = subject.slice(subject.lastIndexOf('.') + 1);
    const texts = this.results.get(id) ?? [];
    this.results.set(id, [...texts, text]);
    const outcome: RawOutcome = JSON.parse(text);
    for (const key of [`${outcome.pool} ${id}`, `* ${id}`]) {
      this.#waiting.get(key)?.(outcome);
      this.#waiting.delete(key);
    }
  }
}
