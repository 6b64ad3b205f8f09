/** What an attack is, and what those who write one need: raw messages, and the one word that comes of them. */
import { headers, type NatsConnection } from 'nats';
import type { ConvergeClient } from '../../../src/client/core/client.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import type { SecuritySystem } from '../system.ts';

export interface Scene {
  readonly system: SecuritySystem;
  readonly ann: ConvergeClient;
  readonly bob: ConvergeClient;
  /** Bob without the library: whatever his permissions allow. */
  readonly rawBob: NatsConnection;
  /** Ann without the library, an observer and an operator: they listen wherever they may. */
  readonly listeners: readonly (readonly [Listener, NatsConnection])[];
}

export type Listener = 'ann' | 'olga' | 'otto';

export interface Attack {
  readonly what: string;
  readonly expected: string;
  readonly run: (scene: Scene) => Promise<string>;
}

export const OUTCOME_WITHIN_MS = 5_000;
export const POLL_MS = 20;

export function decisionSubject({ shards, subjects }: SecuritySystem, pool: string, agent: string): string {
  return subjects.decision(pool, agent, shards);
}

export function verdict(outcome: Pick<Outcome, 'status' | 'code'>): string {
  return outcome.status === 'accepted' ? 'accepted' : String(outcome.code);
}

/** The outcome that a raw client is told. */
export async function outcomeOf(
  system: SecuritySystem,
  connection: NatsConnection,
  pool: string,
  decision: { readonly id: string; readonly [field: string]: unknown },
): Promise<string> {
  return await outcomeOn(system, connection, decisionSubject(system, pool, 'bob'), decision);
}

export async function outcomeOn(
  system: SecuritySystem,
  connection: NatsConnection,
  subject: string,
  decision: { readonly id: string; readonly [field: string]: unknown },
): Promise<string> {
  const results = connection.subscribe(system.subjects.result('bob', decision.id), { max: 1 });
  await sendRaw(connection, subject, decision);
  const timer = setTimeout(() => results.unsubscribe(), OUTCOME_WITHIN_MS);
  for await (const result of results) {
    clearTimeout(timer);
    return verdict(result.json<Outcome>());
  }
  return 'no outcome';
}

export async function sendRaw(
  connection: NatsConnection,
  subject: string,
  body: object,
  messageId?: string,
): Promise<void> {
  const all = headers();
  if (messageId !== undefined) all.set('Nats-Msg-Id', messageId);
  await connection.request(subject, JSON.stringify(body), { headers: all, timeout: OUTCOME_WITHIN_MS });
}
