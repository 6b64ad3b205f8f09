/** What somebody with an agent's credentials may try, each with the outcome that it has to have. */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection } from 'nats';
import { faultForAgents } from '../src/bus/server-faults.ts';
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
  /** Ann without the library, an observer and an operator: they listen wherever they may. */
  readonly listeners: readonly (readonly [Listener, NatsConnection])[];
}

type Listener = 'ann' | 'olga' | 'otto';

interface Attack {
  readonly what: string;
  readonly expected: string;
  readonly run: (scene: Scene) => Promise<string>;
}

const HEARD_BY_NOBODY = 'stored nowhere, heard by nobody';
const OUTCOME_WITHIN_MS = 5_000;
const ARRIVES_WITHIN_MS = 200;
const SWEPT_WITHIN_MS = 10_000;
const POLL_MS = 20;
/** Under the server's largest message, with room for headers and subject. */
const ALMOST_ALL_BYTES = 1024 * 1024 - 512;
const MOST_FEEDS = 64;
/** Of those who listen while the attacks run. */
const FEEDS_OF_OTHERS = 4;
const UUID = /^(sweep|own)-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export async function runAttacks(system: SecuritySystem): Promise<readonly AttackCase[]> {
  const ann = await system.client('ann');
  const listeners: [Listener, NatsConnection][] = [];
  for (const name of ['ann', 'olga', 'otto'] as const) listeners.push([name, await system.connect(name)]);
  const scene: Scene = {
    system,
    ann,
    bob: await system.client('bob'),
    rawBob: await system.connect('bob'),
    listeners,
  };
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
    'converge.decide.commons.ann',
    'converge.deadletters.0',
    'converge.queries.tasks.ann',
    '$SRV.PING',
  ].flatMap((reply) => forgedReplies(reply, HEARD_BY_NOBODY)),
  // Beside the subjects of the system, in the account of agents: the server's own answers are heard there, as they are.
  ...[
    ['converge.results.ann.d1', 'stored nowhere, heard by ann, olga'],
    ['converge.events.commons.task.t1.completed', 'stored nowhere, heard by ann, olga'],
    ['converge.events.vault.task.t1.completed', 'stored nowhere, heard by olga'],
    ['converge.feeds.ann.guessed', 'stored nowhere, heard by ann'],
    ['converge.sweeps', 'stored nowhere, heard by olga'],
    ['_INBOX.ann.guessed', 'stored nowhere, heard by ann'],
  ].flatMap(([reply = '', expected = '']) => forgedReplies(reply, expected)),
  {
    what: 'has answers sent to where ann waits for an outcome: she is told the true one',
    expected: 'accepted, although others were heard',
    run: (scene) => answersForAnOutcome(scene),
  },
  {
    what: 'has answers sent among the events that ann follows: she is given events',
    expected: 'events only',
    run: (scene) => answersAmongEvents(scene),
  },
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
  ...[
    ['a wildcard for the pool', 'converge.decisions.0.*.bob'],
    ['a greater-than for the pool', 'converge.decisions.0.>.bob'],
    ['a pool that is no name', 'converge.decisions.0.a:b.bob'],
  ].map(
    ([what = '', subject = '']): Attack => ({
      what: `publishes with ${what}: a dead letter, and the shard goes on`,
      expected: 'a dead letter; accepted',
      run: (scene) => deadLetterThenGoOn(scene, subject, '{"id":"x","type":"Heartbeat"}'),
    }),
  ),
  {
    what: 'sends what the server just takes, and no decision in it',
    expected: 'a dead letter; accepted',
    run: (scene) =>
      deadLetterThenGoOn(
        scene,
        decisionSubject(scene.system, 'commons', 'bob'),
        'x'.repeat(ALMOST_ALL_BYTES),
      ),
  },
  {
    what: 'sends a decision as large as the server just takes',
    expected: 'too_large',
    run: ({ system, rawBob }) =>
      outcomeOf(system, rawBob, 'commons', {
        id: 'as-large',
        type: 'SubmitTask',
        taskId: 'as-large',
        objective: 'x'.repeat(ALMOST_ALL_BYTES - 500),
      }),
  },
  {
    what: 'asks for the tasks of a private pool that wait for himself',
    expected: 'nothing',
    async run({ bob }) {
      const { items } = await bob.query('pending-tasks', { agent: 'bob', pools: [PRIVATE_POOL] });
      return items.length === 0 ? 'nothing' : JSON.stringify(items);
    },
  },
  ...[
    ['bans ann from the commons', 'commons', { type: 'BanAgent', agentId: 'ann' }, 'not_allowed'],
    ['bans ann from her pool', PRIVATE_POOL, { type: 'BanAgent', agentId: 'ann' }, 'not_allowed'],
    ['removes ann from her pool', PRIVATE_POOL, { type: 'RemoveMember', agentId: 'ann' }, 'not_allowed'],
    ["pauses ann's pool", PRIVATE_POOL, { type: 'PausePool' }, 'not_allowed'],
    [
      "makes himself an operator of ann's pool",
      PRIVATE_POOL,
      { type: 'UpdatePool', operators: ['bob'] },
      'not_allowed',
    ],
    ["cancels ann's task", PRIVATE_POOL, { type: 'CancelTask', taskId: PRIVATE_TASK }, 'not_allowed'],
    [
      'acts on behalf of the operators',
      'commons',
      { type: 'BanAgent', agentId: 'ann', onBehalfOf: '_operator' },
      'delegation_missing',
    ],
  ].map(
    ([what, pool, decision, expected], i): Attack => ({
      what: String(what),
      expected: String(expected),
      run: ({ system, rawBob }) =>
        outcomeOf(system, rawBob, String(pool), { id: `operates-${i}`, ...Object(decision) }),
    }),
  ),
  {
    what: 'bans ann from the whole system',
    expected: 'reserved_id',
    run: ({ system, rawBob }) =>
      outcomeOn(system, rawBob, 'converge.decisions.0._shard.bob', {
        id: 'reserved-4',
        type: 'BanAgent',
        agentId: 'ann',
      }),
  },
  {
    what: 'asks five hundred times at once: he is answered some, ann is not kept waiting',
    expected: 'rate_limited; accepted',
    run: (scene) => manyQueries(scene),
  },
  {
    what: 'opens a hundred feeds at once',
    expected: '64 at most',
    run: (scene) => manyFeeds(scene),
  },
  {
    what: 'has an answer sent to a subject with a wildcard (nats-server #3862)',
    expected: 'nobody is worse off, or it is said that the server is too old',
    run: (scene) => wildcardReply(scene),
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

/** Of a decision the log itself answers, of a query a worker: both have to end in the account of the one who asked. */
function forgedReplies(reply: string, expected: string): Attack[] {
  return [
    {
      what: `has the acknowledgement of a decision sent to ${reply}`,
      expected,
      run: (scene) => forgedReply(scene, decisionSubject(scene.system, 'commons', 'bob'), reply),
    },
    {
      what: `has the answer to a query sent to ${reply}`,
      expected,
      run: (scene) => forgedReply(scene, 'converge.queries.stats.bob', reply),
    },
  ];
}

/** All that each of them may listen to. */
function earsOf({ system }: Scene, who: Listener): readonly string[] {
  const { resultsOf, feedsOf, eventsOf, allResults, allEvents, allDeadLetters, sweeps } = system.subjects;
  switch (who) {
    case 'ann':
      return [resultsOf('ann'), feedsOf('ann'), eventsOf('commons'), '_INBOX.ann.>'];
    case 'olga':
      return [allResults, allEvents, sweeps, feedsOf('_observer'), '_INBOX._observer.olga.>'];
    case 'otto':
      return [allResults, allEvents, sweeps, allDeadLetters, feedsOf('_operator'), '_INBOX._operator.otto.>'];
  }
}

/** What bob sends is stored where he may decide, once; everything else has to be as it was. */
async function forgedReply(scene: Scene, subject: string, reply: string): Promise<string> {
  const { system, rawBob, listeners } = scene;
  const jsm = await jetstreamManager(await system.connect('otto'));
  const heard = new Set<string>();
  const listening = listeners.flatMap(([who, connection]) =>
    earsOf(scene, who).map((ear) =>
      connection.subscribe(ear, {
        callback: (_error, { subject: on }) => {
          if (on === reply) heard.add(who);
        },
      }),
    ),
  );
  const look = async () => {
    const [log, events, letters] = await Promise.all([
      jsm.streams.info('CONVERGE_DECISIONS'),
      jsm.streams.info('CONVERGE_EVENTS'),
      jsm.streams.info('CONVERGE_DEADLETTERS'),
    ]);
    return { log: log.state, others: events.state.messages + letters.state.messages };
  };
  await Promise.all(listeners.map(([, connection]) => connection.flush()));
  const before = await look();
  const isDecision = subject.includes('.decisions.');
  rawBob.publish(subject, JSON.stringify({ id: `forged-${reply}`.slice(0, 64), type: 'Nothing' }), { reply });
  await rawBob.flush();
  await delay(ARRIVES_WITHIN_MS);
  const after = await look();
  for (const each of listening) each.unsubscribe();
  const stored = after.log.last_seq - before.log.last_seq;
  const kept = after.log.messages - before.log.messages;
  // What bob says himself has no valid id: it becomes a dead letter, and nothing else does.
  const letters = isDecision ? 1 : 0;
  const isAsItWas = stored === letters && kept === stored && after.others - before.others === letters;
  if (!isAsItWas)
    return JSON.stringify({ stored, kept, others: after.others - before.others, heard: [...heard] });
  return `stored nowhere, heard by ${[...heard].sort().join(', ') || 'nobody'}`;
}

/** Bob knows the id that ann is going to use, and is faster than the worker. */
async function answersForAnOutcome({ ann, rawBob, listeners, system }: Scene): Promise<string> {
  const id = ann.newId();
  const reply = system.subjects.result('ann', id);
  let heard = 0;
  const [, rawAnn] = listeners[0] ?? [];
  const listening = rawAnn?.subscribe(reply, {
    callback: (_error, message) => {
      if (!message.string().includes('decisionId')) heard++;
    },
  });
  await rawAnn?.flush();
  let isOver = false;
  const flood = (async () => {
    while (!isOver) {
      rawBob.publish('converge.queries.stats.bob', '{}', { reply });
      await rawBob.flush();
    }
  })();
  const outcome = await ann.decide('commons', { id, type: 'SubmitTask', taskId: id, objective: 'x' });
  isOver = true;
  await flood;
  listening?.unsubscribe();
  return `${verdict(outcome)}, ${heard > 0 ? 'although others were heard' : 'and nothing else was heard'}`;
}

async function answersAmongEvents({ ann, rawBob, system }: Scene): Promise<string> {
  const feed = ann.events({ pool: 'commons' });
  await feed.opened;
  const subject = decisionSubject(system, 'commons', 'bob');
  for (const reply of ['converge.feeds.ann.guessed', 'converge.events.commons.task.t1.completed'])
    rawBob.publish(subject, '{}', { reply });
  await rawBob.flush();
  const taskId = ann.newId();
  await ann.decide('commons', { type: 'SubmitTask', taskId, objective: 'x' });
  for await (const event of feed) {
    if (!event.type.startsWith('converge.')) return JSON.stringify(event);
    if (event.subject === `task/${taskId}`) return 'events only';
  }
  return 'the feed ended';
}

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

async function deadLetterThenGoOn(
  { system, ann, rawBob }: Scene,
  subject: string,
  body: string,
): Promise<string> {
  const jsm = await jetstreamManager(await system.connect('otto'));
  const count = async () => (await jsm.streams.info('CONVERGE_DEADLETTERS')).state.last_seq;
  const before = await count();
  await rawBob.request(subject, body, { timeout: OUTCOME_WITHIN_MS });
  const deadline = performance.now() + OUTCOME_WITHIN_MS;
  while ((await count()) === before && performance.now() < deadline) await delay(POLL_MS);
  const letters = (await count()) - before;
  const pool = Array.from({ length: 100 }, (_, i) => `pool-${i}`).find(
    (name) => shardOf(name, system.shards) === 0,
  );
  // Of the shard that had it: `commons`, or that of the subjects above.
  const where = subject.includes('.commons.') ? 'commons' : String(pool);
  const outcome = await ann.decide(where, { type: where === 'commons' ? 'Heartbeat' : 'CreatePool' });
  const isThere = outcome.status === 'accepted' || outcome.code === 'pool_exists';
  return `${letters === 1 ? 'a dead letter' : `${letters} dead letters`}; ${isThere ? 'accepted' : outcome.code}`;
}

async function manyFeeds({ system, bob, rawBob }: Scene): Promise<string> {
  const open = async (token: string): Promise<void> => {
    rawBob.subscribe(system.subjects.feed('bob', token), { callback: () => undefined });
    await bob.query('feed', { pool: 'commons', token });
  };
  for (let i = 0; i < 100; i++) await open(`many-${i}`);
  const jsm = await jetstreamManager(await system.connect('otto'));
  const deadline = performance.now() + OUTCOME_WITHIN_MS;
  let count = 0;
  do {
    await delay(POLL_MS);
    count = (await jsm.streams.info('CONVERGE_EVENTS')).state.consumer_count;
  } while (count > MOST_FEEDS + FEEDS_OF_OTHERS && performance.now() < deadline);
  return count <= MOST_FEEDS + FEEDS_OF_OTHERS ? '64 at most' : `${count} consumers`;
}

async function manyQueries({ ann, bob, rawBob }: Scene): Promise<string> {
  const taskId = bob.newId();
  const inputs = { text: 'x'.repeat(100_000) };
  await bob.decide('commons', { type: 'SubmitTask', taskId, objective: 'x', inputs });
  const body = JSON.stringify({ pool: 'commons', taskId });
  const answers = Array.from({ length: 500 }, () =>
    rawBob.request('converge.queries.task.bob', body, { timeout: OUTCOME_WITHIN_MS }).then(
      (reply) =>
        reply.data.length > 50_000 ? 'answered' : reply.json<{ error?: { code: string } }>().error?.code,
      (error) => String(error),
    ),
  );
  const outcome = await ann.decide('commons', { type: 'Heartbeat' }, { timeoutMs: OUTCOME_WITHIN_MS });
  const others = new Set(await Promise.all(answers));
  others.delete('answered');
  return `${[...others].join(', ')}; ${verdict(outcome)}`;
}

/** Older servers die of it: nothing is tried there, and it is found that workers and `doctor` say so. */
async function wildcardReply({ system, ann, rawBob }: Scene): Promise<string> {
  const expected = 'nobody is worse off, or it is said that the server is too old';
  if (faultForAgents(rawBob.info?.version ?? '') !== undefined) return expected;
  for (const reply of ['>', 'converge.results.*.*', '_INBOX.>'])
    for (const subject of [decisionSubject(system, 'commons', 'bob'), 'converge.queries.stats.bob'])
      rawBob.publish(subject, '{}', { reply });
  await rawBob.flush();
  const outcome = await ann.decide('commons', { type: 'Heartbeat' });
  return outcome.status === 'accepted' ? expected : String(outcome.code);
}
