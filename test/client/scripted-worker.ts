/** Stands in for a worker where a test has to decide itself what is told, when, and what is not. */
import type { Msg, NatsConnection } from 'nats';
import { bodyHash, type Outcome } from '../../src/protocol/outcome.ts';
import { parseDecisionSubject, type Subjects } from '../../src/protocol/subjects.ts';
import { SHARDS } from './system.ts';

export interface SeenDecision {
  readonly id: string;
  readonly type: string;
  readonly agent: string;
  readonly pool: string;
  /** Of the bytes that arrived. */
  readonly body: string;
  readonly hasHeaders: boolean;
}

export class ScriptedWorker {
  /** Every decision that was published, repeats included. */
  readonly seen: SeenDecision[] = [];
  /** What the query `outcome` finds, by decision id. */
  readonly remembered = new Map<string, Outcome>();
  /** How often the query `outcome` was asked. */
  asked = 0;
  readonly #connection: NatsConnection;
  readonly #names: Subjects;

  private constructor(connection: NatsConnection, names: Subjects) {
    this.#connection = connection;
    this.#names = names;
  }

  static async start(
    connection: NatsConnection,
    names: Subjects,
    onDecision: (decision: SeenDecision, worker: ScriptedWorker) => void = () => {},
  ): Promise<ScriptedWorker> {
    const worker = new ScriptedWorker(connection, names);
    for (let shard = 0; shard < SHARDS; shard++) {
      connection.subscribe(names.shardLog(shard), {
        callback: (_error, message) => {
          const decision = decisionOf(names, message);
          worker.seen.push(decision);
          onDecision(decision, worker);
        },
      });
    }
    connection.subscribe(names.query('outcome'), { callback: (_error, message) => worker.#answer(message) });
    await connection.flush();
    return worker;
  }

  /** The result, and nothing that is remembered. */
  tell(decision: SeenDecision, changes: Partial<Outcome> = {}): void {
    const outcome = outcomeOf(decision, changes);
    this.#connection.publish(this.#names.result(decision.agent, decision.id), JSON.stringify(outcome));
  }

  /** Remembered, and not told. */
  remember(decision: SeenDecision, changes: Partial<Outcome> = {}): void {
    this.remembered.set(decision.id, outcomeOf(decision, changes));
  }

  #answer(message: Msg): void {
    this.asked++;
    const { decisionId } = message.json<{ decisionId: string }>();
    const outcome = this.remembered.get(decisionId);
    const error = { code: 'outcome_not_found', message: 'not known' };
    message.respond(JSON.stringify(outcome === undefined ? { error } : { ok: outcome }));
  }
}

function outcomeOf({ id, type, agent, pool, body }: SeenDecision, changes: Partial<Outcome>): Outcome {
  return {
    decisionId: id,
    type,
    agent,
    pool,
    body,
    status: 'accepted',
    events: [],
    shard: 0,
    seq: 1,
    at: 1,
    ...changes,
  };
}

export function decisionOf(names: Subjects, message: Msg): SeenDecision {
  const address = parseDecisionSubject(names.namespace, message.subject);
  const { id, type } = message.json<{ id: string; type: string }>();
  const { agent = '', pool = '' } = address ?? {};
  return { id, type, agent, pool, body: bodyHash(message.data), hasHeaders: message.headers !== undefined };
}
