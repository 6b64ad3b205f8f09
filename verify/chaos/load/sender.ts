/**
 * Sends decisions as agents do that stand on the protocol alone: again and again until the log confirms them, and asking
 * for outcomes that do not come. Writes down all of it.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Msg, NatsConnection } from 'nats';
import type { QueryClient } from '../../../src/bus/query-client.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import type { Subjects } from '../../../src/protocol/subjects.ts';
import type { Key } from '../checker/testimony.ts';
import type { Recorder } from '../history/recorder.ts';
import type { OutcomeWatch } from './outcome-watch.ts';

export interface SenderOptions {
  /** What decisions go out on. */
  readonly connection: NatsConnection;
  readonly queries: QueryClient;
  readonly subjects: Subjects;
  readonly shards: number;
  readonly recorder: Recorder;
  readonly outcomes: OutcomeWatch;
}

export interface Decision {
  readonly id: string;
  readonly type: string;
  readonly [field: string]: unknown;
}

const ACK_WITHIN_MS = 1_000;
const RETRY_MS = 150;
const ASK_AFTER_MS = 2_000;

export class Sender {
  readonly #options: SenderOptions;
  readonly #ended = new AbortController();
  #sent = 0;
  #acknowledged = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
    // As many wait at once as there are flows and probes.
    setMaxListeners(0, this.#ended.signal);
  }

  /** Different decisions that were sent. */
  get sent(): number {
    return this.#sent;
  }

  /** Of those, how many the log confirmed at least once. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Nobody tries again from here on. */
  end(): void {
    this.#ended.abort();
  }

  /** Sends until the log confirms it, then waits for the outcome; undefined when the run ends before. */
  async decide(agent: string, pool: string, decision: Decision): Promise<Outcome | undefined> {
    this.#sent++;
    while (!this.#ended.signal.aborted) {
      if (await this.send(agent, pool, decision)) {
        this.#acknowledged++;
        return await this.#outcomeOf(agent, pool, decision);
      }
      await this.#pause(RETRY_MS);
    }
    return undefined;
  }

  /** Sends once; whether the log confirmed it. */
  async send(agent: string, pool: string, decision: Decision): Promise<boolean> {
    const { subjects, shards, recorder } = this.#options;
    const { id, type } = decision;
    recorder.write({ t: 'sent', at: Date.now(), pool, agent, id, type });
    const seq = await this.publish(subjects.decision(pool, agent, shards), JSON.stringify(decision));
    if (seq === undefined) return false;
    recorder.write({ t: 'ack', at: Date.now(), pool, agent, id, seq });
    return true;
  }

  /** For those who do not wait: counted like {@link decide}. */
  async sendOnce(agent: string, pool: string, decision: Decision): Promise<void> {
    this.#sent++;
    if (await this.send(agent, pool, decision)) this.#acknowledged++;
  }

  /** Where in the log it stands; undefined when nobody confirmed it, or the log refused it. */
  async publish(subject: string, payload: string | Uint8Array): Promise<number | undefined> {
    try {
      const ack: Msg = await this.#options.connection.request(subject, payload, {
        timeout: ACK_WITHIN_MS,
      });
      const seq: unknown = Reflect.get(ack.json<object>(), 'seq');
      return typeof seq === 'number' && seq > 0 ? seq : undefined;
    } catch {
      return undefined;
    }
  }

  /** Asks when nothing comes, and decides again, under the same id, when nobody knows of it for long. */
  async #outcomeOf(agent: string, pool: string, decision: Decision): Promise<Outcome | undefined> {
    const { outcomes } = this.#options;
    for (let asked = 1; !this.#ended.signal.aborted; asked++) {
      const told = await outcomes.next({ pool, agent, id: decision.id }, ASK_AFTER_MS);
      if (told !== undefined) return told;
      const isKnown = await this.ask({ pool, agent, id: decision.id }, ASK_AFTER_MS);
      if (!isKnown && asked % 2 === 0) await this.send(agent, pool, decision);
    }
    return undefined;
  }

  /** Asks for an outcome, as anyone who missed it; false when nobody knows it. */
  async ask({ pool, agent, id }: Key, timeoutMs: number): Promise<boolean> {
    try {
      const { queries, outcomes } = this.#options;
      const outcome = await queries.ask('outcome', { pool, agent, decisionId: id }, { timeoutMs });
      outcomes.onAnswer({ pool, agent, id }, outcome);
      return true;
    } catch {
      return false;
    }
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#ended.signal }).catch(() => undefined);
  }
}
