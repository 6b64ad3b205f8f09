/** Headers that mean something to JetStream. */
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection } from 'nats';
import type { SecuritySystem } from '../system.ts';
import { type Attack, decisionSubject, OUTCOME_WITHIN_MS, POLL_MS, type Scene, sendRaw } from './attack.ts';

const SWEPT_WITHIN_MS = 10_000;

export const WITH_HEADERS: readonly Attack[] = [
  {
    what: 'replaces all that his subject holds by one message (Nats-Rollup)',
    expected: 'rollup not permitted',
    async run({ system, rawBob }) {
      return (await withHeaders(system, rawBob, { 'Nats-Rollup': 'all' })).refusal ?? 'stored';
    },
  },
  ...[
    ['Nats-Rollup', 'sub', 'rollup not permitted'],
    ['Nats-Expected-Stream', 'CONVERGE_EVENTS2', 'expected stream does not match'],
    ['Nats-Expected-Last-Sequence', '1', 'wrong last sequence'],
    ['Nats-Expected-Last-Subject-Sequence', '1', 'wrong last sequence'],
    ['Nats-Expected-Last-Msg-Id', 'guess', 'wrong last msg ID'],
  ].map(
    ([name = '', value = '', expected = '']): Attack => ({
      what: `sends a decision with ${name}: ${value}`,
      expected,
      run: async ({ system, rawBob }) =>
        (await withHeaders(system, rawBob, { [name]: value })).refusal?.split(':')[0] ?? 'stored',
    }),
  ),
  ...[
    ['Nats-TTL', '1s'],
    ['Nats-Marker-Reason', 'Purge'],
    ['KV-Operation', 'PURGE'],
    ['Nats-Schedule', '@every 1s'],
  ].map(
    ([name = '', value = '']): Attack => ({
      what: `sends a decision with ${name}: ${value}, which means something to newer servers`,
      expected: 'refused, or it stays as it is',
      run: (scene) => headerOfNewerServers(scene, name, value),
    }),
  ),
  {
    what: 'asks, by a wrong Nats-Expected-Last-Msg-Id, whose decision with which id was the last',
    expected: 'it has none',
    run: (scene) => idOfTheLast(scene),
  },
  {
    what: "sends under ann's header (Nats-Msg-Id), so that her decision is taken for a repeat",
    expected: 'hers is accepted',
    run: (scene) => underHerHeader(scene),
  },
];

interface Acknowledged {
  readonly seq: number;
  /** Why the log does not take it. */
  readonly refusal: string | undefined;
}

async function withHeaders(
  system: SecuritySystem,
  connection: NatsConnection,
  values: Readonly<Record<string, string>>,
): Promise<Acknowledged> {
  const all = headers();
  for (const [name, value] of Object.entries(values)) all.set(name, value);
  const subject = decisionSubject(system, 'commons', 'bob');
  const reply = await connection.request(subject, '{}', { headers: all, timeout: OUTCOME_WITHIN_MS });
  const ack = reply.json<{ seq?: number; error?: { description: string } }>();
  return { seq: ack.seq ?? 0, refusal: ack.error?.description };
}

async function headerOfNewerServers({ system, rawBob }: Scene, name: string, value: string): Promise<string> {
  const { seq, refusal } = await withHeaders(system, rawBob, { [name]: value });
  const expected = 'refused, or it stays as it is';
  if (refusal !== undefined) return expected;
  const jsm = await jetstreamManager(await system.connect('otto'));
  const { state } = await jsm.streams.info('CONVERGE_DECISIONS');
  const kept = await jsm.streams.getMessage('CONVERGE_DECISIONS', { seq });
  return kept !== null && state.num_deleted === undefined ? expected : 'messages are gone';
}

/** The refusal names the id by which the log knows its newest message. Decisions have none, Sweeps among them. */
async function idOfTheLast({ system, ann, rawBob }: Scene): Promise<string> {
  const taskId = ann.newId();
  await ann.decide('commons', { type: 'SubmitTask', taskId, objective: 'x' });
  await ann.decide('commons', { type: 'ClaimTask', taskId, claimTtlMs: 500 });
  const deadline = performance.now() + SWEPT_WITHIN_MS;
  // The claim is over by then, and a Sweep has said so: the newest message was ann's, then the sweeper's.
  while (performance.now() < deadline) {
    const { refusal = '' } = await withHeaders(system, rawBob, { 'Nats-Expected-Last-Msg-Id': 'guess' });
    const told = /wrong last msg ID:\s*(\S*)/.exec(refusal)?.[1];
    if (told !== undefined && told !== '') return `it is ${told}`;
    if ((await ann.query('task', { taskId })).state === 'pending') return 'it has none';
    await delay(POLL_MS);
  }
  return 'no sweep was seen';
}

/** Within the tenth of a second in which the log knows the id, and again with other forms of it. */
async function underHerHeader({ system, ann, rawBob }: Scene): Promise<string> {
  for (const form of ['ann.ID', 'commons.ann.ID', 'ID']) {
    const id = ann.newId();
    const messageId = form.replace('ID', id);
    const heartbeat = { id: ann.newId(), type: 'Heartbeat' };
    await sendRaw(rawBob, decisionSubject(system, 'commons', 'bob'), heartbeat, messageId);
    const task = { type: 'SubmitTask', id, taskId: id, objective: 'x' } as const;
    const outcome = await ann.decide('commons', task, { timeoutMs: OUTCOME_WITHIN_MS });
    if (outcome.status !== 'accepted') return `hers is ${outcome.status}`;
  }
  return 'hers is accepted';
}
