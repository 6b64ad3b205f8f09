/** Headers that mean something to JetStream. */
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection } from 'nats';
import type { SecuritySystem } from '../system.ts';
import { type Attack, decisionSubject, OUTCOME_WITHIN_MS, POLL_MS, type Scene } from './attack.ts';

const SWEPT_WITHIN_MS = 10_000;
const UUID = /^(sweep|own)-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

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
    ['Nats-Expected-Stream', 'CONVERGE_EVENTS', 'expected stream does not match'],
    ['Nats-Expected-Last-Sequence', '1', 'wrong last sequence'],
    ['Nats-Expected-Last-Subject-Sequence', '1', 'wrong last sequence'],
    // The refusal names the newest message of the log: whose it is and which id it has.
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
    what: 'foresees the ids of the next sweeps from those of the last, to use them up',
    expected: 'they are random',
    run: (scene) => idsOfSweeps(scene),
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

/** The id of the newest message is told to anyone who asks for another one. */
async function idsOfSweeps({ system, ann, rawBob }: Scene): Promise<string> {
  const taskId = ann.newId();
  await ann.decide('commons', { type: 'SubmitTask', taskId, objective: 'x' });
  await ann.decide('commons', { type: 'ClaimTask', taskId, claimTtlMs: 1_000 });
  const deadline = performance.now() + SWEPT_WITHIN_MS;
  while (performance.now() < deadline) {
    const { refusal = '' } = await withHeaders(system, rawBob, { 'Nats-Expected-Last-Msg-Id': 'guess' });
    const [, id] = /_sweeper\.(\S+)/.exec(refusal) ?? [];
    if (id !== undefined) return UUID.test(id) ? 'they are random' : `they begin as ${id}`;
    await delay(POLL_MS);
  }
  return 'no sweep was seen';
}
