/** What somebody with an agent's credentials may try, each with the outcome that it has to have. */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection } from 'nats';
import type { ConvergeClient } from '../src/client/client.ts';
import { PermissionDeniedError } from '../src/errors.ts';
import type { Outcome } from '../src/protocol/outcome.ts';
import { shardOf } from '../src/protocol/shard.ts';
import { PRIVATE_DECISION, PRIVATE_POOL, PRIVATE_TASK, type SecuritySystem } from './system.ts';

export interface AttackCase {
  readonly who: string;
  readonly kind: 'attack';
  readonly subject: string;
  readonly expected: string;
  readonly found: string;
}

interface Scene {
  readonly system: SecuritySystem;
  readonly ann: ConvergeClient;
  readonly bob: ConvergeClient;
  /** Bob without the library: whatever his permissions allow. */
  readonly rawBob: NatsConnection;
}

interface Attack {
  readonly what: string;
  readonly expected: string;
  readonly run: (scene: Scene) => Promise<string>;
}

const OUTCOME_WITHIN_MS = 5_000;
const ARRIVES_WITHIN_MS = 300;

export async function runAttacks(system: SecuritySystem): Promise<readonly AttackCase[]> {
  const ann = await system.client('ann');
  const scene: Scene = { system, ann, bob: await system.client('bob'), rawBob: await system.connect('bob') };
  const cases: AttackCase[] = [];
  for (const { what, expected, run } of ATTACKS) {
    const found = await run(scene).catch((error) => String(error));
    cases.push({ who: 'bob', kind: 'attack', subject: what, expected, found });
  }
  return cases;
}

const ATTACKS: readonly Attack[] = [
  {
    what: "uses up the id of ann's next message: ann's decision is applied all the same",
    expected: 'accepted',
    async run({ system, ann, rawBob }) {
      const id = ann.newId();
      await sendRaw(
        rawBob,
        decisionSubject(system, 'commons', 'bob'),
        { id: 'other', type: 'Heartbeat' },
        `ann.${id}`,
      );
      return verdict(await ann.decide('commons', { id, type: 'SubmitTask', taskId: id, objective: 'mine' }));
    },
  },
  {
    what: "decides in ann's name",
    expected: 'PermissionDeniedError',
    run: ({ bob }) => nameOfError(bob.withAgent('ann').decide('commons', { type: 'Heartbeat' })),
  },
  {
    what: "sends what ann has sent once more, as it was, on ann's subject",
    expected: 'denied',
    async run({ system, rawBob }) {
      const subject = decisionSubject(system, PRIVATE_POOL, 'ann');
      return await isRefused(rawBob, subject);
    },
  },
  {
    what: 'sends what ann has sent once more, on his own subject: it is his own word and counts as such',
    expected: 'not_a_member',
    run: ({ system, rawBob }) =>
      outcomeOf(system, rawBob, PRIVATE_POOL, {
        id: PRIVATE_DECISION,
        type: 'SubmitTask',
        taskId: PRIVATE_TASK,
        objective: 'nobody else may know',
      }),
  },
  {
    what: 'sends his own decision twice: nothing happens twice, the first outcome is the answer',
    expected: 'accepted, once',
    async run({ bob }) {
      const decision = {
        id: bob.newId(),
        type: 'SubmitTask',
        taskId: bob.newId(),
        objective: 'once',
      } as const;
      const first = await bob.decide('commons', decision);
      const second = await bob.decide('commons', decision);
      return `${verdict(first)}, ${first.seq === second.seq ? 'once' : 'twice'}`;
    },
  },
  {
    what: "joins ann's private pool",
    expected: 'not_admitted',
    run: async ({ bob }) => verdict(await bob.decide(PRIVATE_POOL, { type: 'JoinPool' })),
  },
  {
    what: "closes ann's pool",
    expected: 'not_allowed',
    run: async ({ bob }) => verdict(await bob.decide(PRIVATE_POOL, { type: 'ClosePool' })),
  },
  {
    what: "claims a task in ann's pool",
    expected: 'not_a_member',
    run: async ({ bob }) =>
      verdict(await bob.decide(PRIVATE_POOL, { type: 'ClaimTask', taskId: PRIVATE_TASK })),
  },
  {
    what: 'publishes on the shard of another pool',
    expected: 'wrong_shard',
    run: ({ system, rawBob }) => {
      const shard = (shardOf('commons', system.shards) + 1) % system.shards;
      const decision = { id: 'wrong-shard', type: 'Heartbeat' };
      return outcomeOn(system, rawBob, `converge.decisions.${shard}.commons.bob`, decision);
    },
  },
  {
    what: 'acts on behalf of ann, who has not delegated anything',
    expected: 'delegation_missing',
    run: async ({ bob }) =>
      verdict(
        await bob.decide('commons', {
          type: 'SubmitTask',
          taskId: 'for-ann',
          objective: 'x',
          onBehalfOf: 'ann',
        }),
      ),
  },
  {
    what: 'names ann as the author in the body',
    expected: 'invalid_decision',
    run: ({ system, rawBob }) =>
      outcomeOf(system, rawBob, 'commons', { id: 'forged-author', type: 'Heartbeat', agent: 'ann' }),
  },
  {
    what: 'makes a pool with a name of the system',
    expected: 'reserved_id',
    run: ({ system, rawBob }) => outcomeOf(system, rawBob, '_mine', { id: 'reserved-1', type: 'CreatePool' }),
  },
  {
    what: 'makes a task with an id of the system',
    expected: 'reserved_id',
    run: ({ system, rawBob }) =>
      outcomeOf(system, rawBob, 'commons', {
        id: 'reserved-2',
        type: 'SubmitTask',
        taskId: '_task',
        objective: 'x',
      }),
  },
  {
    what: 'sweeps a shard',
    expected: 'reserved_id',
    run: ({ system, rawBob }) =>
      outcomeOn(system, rawBob, 'converge.decisions.0._shard.bob', { id: 'reserved-3', type: 'Sweep' }),
  },
  ...[
    '$JS.API.STREAM.PURGE.CONVERGE_DECISIONS',
    '$JS.API.STREAM.MSG.DELETE.CONVERGE_DECISIONS',
    '$JS.API.STREAM.DELETE.CONVERGE_EVENTS',
    'converge.decisions.0.commons.ann',
    'converge.events.commons.task.t1.completed',
    'converge.results.ann.d1',
    'converge.queries.tasks.ann',
  ].map(
    (reply): Attack => ({
      what: `has the acknowledgement of a decision sent to ${reply}`,
      expected: 'nothing is stored, nothing is removed, nobody hears of it',
      run: (scene) => forgedReply(scene, decisionSubject(scene.system, 'commons', 'bob'), reply),
    }),
  ),
  ...[
    'converge.decisions.0.commons.ann',
    'converge.events.commons.task.t1.completed',
    'converge.results.ann.d1',
  ].map(
    (reply): Attack => ({
      what: `has the answer to a query sent to ${reply}`,
      expected: 'nothing is stored, nothing is removed, nobody hears of it',
      run: (scene) => forgedReply(scene, 'converge.queries.stats.bob', reply),
    }),
  ),
  {
    what: 'replaces all that his subject holds by one message (Nats-Rollup)',
    expected: 'rollup not permitted',
    async run({ system, rawBob }) {
      const all = headers();
      all.set('Nats-Rollup', 'all');
      const subject = decisionSubject(system, 'commons', 'bob');
      const ack = (await rawBob.request(subject, '{}', { headers: all, timeout: OUTCOME_WITHIN_MS })).json<{
        error?: { description: string };
      }>();
      return ack.error?.description ?? 'stored';
    },
  },
  {
    what: 'listens to the events of a private pool from before it is made',
    expected: 'pool_not_found',
    async run({ rawBob }) {
      const body = JSON.stringify({ pool: 'not-made-yet', token: 'early' });
      const reply = await rawBob.request('converge.queries.feed.bob', body, { timeout: OUTCOME_WITHIN_MS });
      return reply.json<{ error?: { code: string } }>().error?.code ?? 'opened';
    },
  },
];

function decisionSubject({ shards, subjects }: SecuritySystem, pool: string, agent: string): string {
  return subjects.decision(pool, agent, shards);
}

function verdict(outcome: Pick<Outcome, 'status' | 'code'>): string {
  return outcome.status === 'accepted' ? 'accepted' : String(outcome.code);
}

async function nameOfError(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'accepted',
    (error) => (error instanceof PermissionDeniedError ? 'PermissionDeniedError' : String(error)),
  );
}

async function sendRaw(
  connection: NatsConnection,
  subject: string,
  body: object,
  messageId?: string,
): Promise<void> {
  const all = headers();
  if (messageId !== undefined) all.set('Nats-Msg-Id', messageId);
  await connection.request(subject, JSON.stringify(body), { headers: all, timeout: OUTCOME_WITHIN_MS });
}

/** The outcome that a raw client is told. */
async function outcomeOf(
  system: SecuritySystem,
  connection: NatsConnection,
  pool: string,
  decision: { readonly id: string; readonly [field: string]: unknown },
): Promise<string> {
  return await outcomeOn(system, connection, decisionSubject(system, pool, 'bob'), decision);
}

async function outcomeOn(
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

async function isRefused(connection: NatsConnection, subject: string): Promise<string> {
  const refused: string[] = [];
  const statuses = connection.status();
  void (async () => {
    for await (const status of statuses) if (status.type === 'error') refused.push(String(status.error));
  })();
  connection.publish(subject, '{}');
  await connection.flush();
  // The status is told in a turn of its own.
  await nextTurn();
  return refused.some((error) => error.includes(subject)) ? 'denied' : 'allowed';
}

/** What bob sends is stored where he may decide, once; everything else has to be as it was. */
async function forgedReply({ system, rawBob }: Scene, subject: string, reply: string): Promise<string> {
  const operator = await system.connect('otto');
  const jsm = await jetstreamManager(operator);
  const heard: string[] = [];
  const listening = operator.subscribe('converge.results.*.*', {
    callback: (_error, { subject: on }) => {
      if (on === reply) heard.push(on);
    },
  });
  const look = async () => {
    const [log, events] = await Promise.all([
      jsm.streams.info('CONVERGE_DECISIONS'),
      jsm.streams.info('CONVERGE_EVENTS'),
    ]);
    return { log: log.state, events: events.state };
  };
  await operator.flush();
  const before = await look();
  const isDecision = subject.includes('.decisions.');
  rawBob.publish(subject, JSON.stringify({}), { reply });
  await rawBob.flush();
  await delay(ARRIVES_WITHIN_MS);
  const after = await look();
  listening.unsubscribe();
  const stored = after.log.last_seq - before.log.last_seq;
  const kept = after.log.messages - before.log.messages;
  const isAsItWas =
    stored === (isDecision ? 1 : 0) &&
    kept === stored &&
    after.events.messages === before.events.messages &&
    heard.length === 0;
  return isAsItWas
    ? 'nothing is stored, nothing is removed, nobody hears of it'
    : JSON.stringify({ stored, kept, events: after.events.messages - before.events.messages, heard });
}
