import { setTimeout as delay } from 'node:timers/promises';
import { headers } from 'nats';
import { describe, expect, it, vi } from 'vitest';
import {
  acceptedOrThrow,
  type ClientOptions,
  type ConvergeClient,
  connect,
  DecisionIdReusedError,
  isAccepted,
  isRejected,
} from '../../src/client/index.ts';
import {
  ConfigurationError,
  DecisionRejectedError,
  OutcomeTimeoutError,
  OutcomeUnknownError,
  PublishError,
  UnavailableError,
} from '../../src/lib/errors.ts';
import { MAX_DECISION_BYTES } from '../../src/protocol/limits.ts';
import { decisionOf, ScriptedWorker, type SeenDecision } from './scripted-worker.ts';
import { SHARDS, useBroker } from './system.ts';

const broker = useBroker();
let silents = 0;
const HEARTBEAT = { type: 'Heartbeat' } as const;

interface Setup {
  readonly client: ConvergeClient;
  readonly worker: ScriptedWorker;
}

async function setup(
  onDecision?: (decision: SeenDecision, worker: ScriptedWorker) => void,
  options: Partial<ClientOptions> = {},
): Promise<Setup> {
  const names = await broker.streams();
  const worker = await ScriptedWorker.start(await broker.connect(), names, onDecision);
  const client = await connect({
    agent: 'ada',
    connection: await broker.connect(),
    namespace: names.namespace,
    shards: SHARDS,
    askAfterMs: 50,
    ...options,
  });
  return { client, worker };
}

it('a decision resolves with the outcome that the worker tells', async () => {
  const { client, worker } = await setup((decision, w) => w.tell(decision, { seq: 7 }));
  const outcome = await client.decide('pool', HEARTBEAT);
  expect(outcome).toMatchObject({ agent: 'ada', pool: 'pool', type: 'Heartbeat', seq: 7 });
  expect(worker.seen).toMatchObject([{ id: outcome.decisionId, hasHeaders: false, body: outcome.body }]);
  expect(worker.asked).toBe(0);
});

it('a rejection is a value', async () => {
  const { client } = await setup((decision, w) =>
    w.tell(decision, { status: 'rejected', code: 'pool_not_found', message: 'there is no pool' }),
  );
  const outcome = await client.decide('pool', { type: 'ClaimTask', taskId: 't' });
  expect(isAccepted(outcome)).toBe(false);
  if (isRejected(outcome)) expect(outcome.code).toBe('pool_not_found');
  expect(() => acceptedOrThrow(outcome)).toThrow(DecisionRejectedError);
});

it('an outcome that was never told is asked for', async () => {
  const { client, worker } = await setup((decision, w) => w.remember(decision));
  expect(await client.decide('pool', HEARTBEAT)).toMatchObject({ status: 'accepted' });
  expect(worker.asked).toBe(1);
});

it('asking goes on, more and more slowly, until the outcome is known', async () => {
  const { client, worker } = await setup();
  const outcome = client.decide('pool', HEARTBEAT, { timeoutMs: 20_000 });
  await vi.waitFor(() => expect(worker.asked).toBeGreaterThanOrEqual(3));
  const [decision] = worker.seen;
  if (decision !== undefined) worker.remember(decision);
  expect(await outcome).toMatchObject({ status: 'accepted' });
});

it('after a lost connection the outcome is asked for at once', async () => {
  const { client, worker } = await setup(undefined, { askAfterMs: 60_000 });
  const outcome = client.decide('pool', HEARTBEAT);
  await vi.waitFor(() => expect(worker.seen).toHaveLength(1));
  const [decision] = worker.seen;
  if (decision !== undefined) worker.remember(decision);
  await broker.server.kill();
  await broker.server.restart();
  expect(await outcome).toMatchObject({ status: 'accepted' });
});

it('when no outcome is known in time it says so, and that it may be applied all the same', async () => {
  const { client } = await setup();
  const outcome = client.decide('pool', { ...HEARTBEAT, id: 'mine' }, { timeoutMs: 150 });
  await expect(outcome).rejects.toThrow(OutcomeTimeoutError);
  await expect(outcome).rejects.toThrow('decide again with the same content and the same id, mine');
});

it('deciding again with the same id sends the same bytes, and gives the first outcome', async () => {
  const { client, worker } = await setup((decision, w) => w.tell(decision, { seq: 5 }));
  const first = await client.decide('pool', { ...HEARTBEAT, id: 'once' });
  const again = await client.decide('pool', { ...HEARTBEAT, id: 'once' });
  expect(again).toEqual(first);
  expect(new Set(worker.seen.map(({ body }) => body)).size).toBe(1);
  expect(worker.seen).toHaveLength(2);
});

it('several who wait for the same id all get its outcome', async () => {
  const { client, worker } = await setup();
  const outcomes = [1, 2, 3].map(() => client.decide('pool', { ...HEARTBEAT, id: 'shared' }));
  await vi.waitFor(() => expect(worker.seen).toHaveLength(3));
  const [decision] = worker.seen;
  if (decision !== undefined) worker.tell(decision);
  expect(await Promise.all(outcomes)).toHaveLength(3);
});

it('a decision carries no header by which the log could take it for another', async () => {
  const { client, worker } = await setup((decision, w) => w.tell(decision, { seq: 9 }));
  const stolen = headers();
  for (const id of ['ada.d-1', 'pool.ada.d-1']) {
    stolen.set('Nats-Msg-Id', id);
    const subject = client.subjects.decision('pool', 'mallory', SHARDS);
    (await broker.connect()).publish(subject, '{"id":"x","type":"Heartbeat"}', { headers: stolen });
  }
  await vi.waitFor(() => expect(worker.seen).toHaveLength(2));
  expect(await client.decide('pool', { ...HEARTBEAT, id: 'd-1' })).toMatchObject({ seq: 9 });
  expect(worker.seen.at(-1)).toMatchObject({ agent: 'ada', hasHeaders: false });
});

it('one id in two pools is two decisions, each with its own outcome', async () => {
  const { client, worker } = await setup();
  const outcomes = ['here', 'there'].map((pool) => client.decide(pool, { ...HEARTBEAT, id: 'join' }));
  await vi.waitFor(() => expect(worker.seen).toHaveLength(2));
  for (const decision of worker.seen) worker.tell(decision, { seq: decision.pool === 'here' ? 1 : 2 });
  expect((await Promise.all(outcomes)).map(({ pool, seq }) => [pool, seq])).toEqual([
    ['here', 1],
    ['there', 2],
  ]);
});

it('a result that is about another decision is not believed; what is remembered counts', async () => {
  const { client } = await setup((decision, w) => {
    w.remember(decision, { seq: 3 });
    w.tell(decision, { body: 'x'.repeat(22), seq: 666 });
    w.tell(decision, { pool: 'elsewhere', seq: 666 });
    w.tell(decision, { agent: 'mallory', seq: 666 });
  });
  expect(await client.decide('pool', HEARTBEAT)).toMatchObject({ seq: 3 });
});

it('an id that stands for other bytes is refused as the system refuses it, whichever way that is heard of', async () => {
  const { client } = await setup((decision, w) =>
    w.remember(decision, { type: 'ClosePool', body: 'x'.repeat(22) }),
  );
  expect(await client.decide('pool', HEARTBEAT)).toMatchObject({ status: 'rejected', code: 'id_reused' });
  const { client: told } = await setup((decision, w) =>
    w.tell(decision, { status: 'rejected', code: 'id_reused' }),
  );
  expect(await told.decide('pool', HEARTBEAT)).toMatchObject({ status: 'rejected', code: 'id_reused' });
});

describe('a decision that nobody confirms', () => {
  /** Somebody listens where no log does and says nothing: what is sent there is neither confirmed nor refused. */
  async function silent(options: Partial<ClientOptions> = {}) {
    const { client, worker } = await setup(undefined, {
      shards: 1,
      namespace: `silent${silents++}`,
      publisher: { ackTimeoutMs: 20 },
      ...options,
    });
    const sent: SeenDecision[] = [];
    const connection = await broker.connect();
    const names = client.subjects;
    connection.subscribe(names.shardLog(0), {
      callback: (_error, message) => void sent.push(decisionOf(names, message)),
    });
    const answering = async () => ScriptedWorker.start(connection, names);
    await connection.flush();
    return { client, worker, sent, answering };
  }

  it('is sent for half of the time that outcomes are remembered, then asked for, and ends as unknown', async () => {
    const { client, sent, answering } = await silent({ outcomeRetentionMs: 600 });
    const worker = await answering();
    const began = performance.now();
    const outcome = client.decide('pool', { ...HEARTBEAT, id: 'mine' }, { timeoutMs: 20_000 });
    await expect(outcome).rejects.toThrow(OutcomeUnknownError);
    await expect(outcome).rejects.toThrow('decide again with the same content and the same id, mine');
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(worker.asked).toBeGreaterThan(0);
    const count = sent.length;
    expect(count).toBeGreaterThan(1);
    expect(new Set(sent.map(({ body }) => body)).size).toBe(1);
    await delay(500);
    expect(sent).toHaveLength(count);
  });

  it('has its outcome when the system knows one', async () => {
    const { client, sent, answering } = await silent({ outcomeRetentionMs: 400 });
    const worker = await answering();
    const outcome = client.decide('pool', HEARTBEAT, { timeoutMs: 20_000 });
    const published = client.publish('pool', { ...HEARTBEAT, id: 'p' }, { timeoutMs: 20_000 });
    await vi.waitFor(() => expect(new Set(sent.map(({ id }) => id)).size).toBe(2));
    for (const decision of sent) worker.remember(decision, { seq: 4 });
    expect(await outcome).toMatchObject({ status: 'accepted', seq: 4 });
    expect(await published).toEqual({ decisionId: 'p', seq: 4 });
  });

  it('published only, it ends as unknown as well, or says that its id stands for another decision', async () => {
    const { client, sent, answering } = await silent({ outcomeRetentionMs: 200 });
    const worker = await answering();
    await expect(client.publish('pool', HEARTBEAT, { timeoutMs: 20_000 })).rejects.toThrow(
      OutcomeUnknownError,
    );
    const reused = client.publish('pool', { ...HEARTBEAT, id: 'p' }, { timeoutMs: 20_000 });
    await vi.waitFor(() => expect(sent.at(-1)?.id).toBe('p'));
    for (const decision of sent) worker.remember(decision, { body: 'x'.repeat(22) });
    await expect(reused).rejects.toThrow(DecisionIdReusedError);
  });

  it('where no worker answers either, it says what was wrong with sending', async () => {
    const { client } = await silent({ outcomeRetentionMs: 200 });
    const outcome = client.decide('pool', HEARTBEAT, { timeoutMs: 1_000 });
    await expect(outcome).rejects.toThrow(PublishError);
    await expect(outcome).rejects.toThrow('it may have been stored');
  });
});

it('a result that cannot be read is asked for', async () => {
  const { client } = await setup((decision, w) => {
    w.remember(decision);
    w.tell(decision, { status: undefined as never });
  });
  expect(await client.decide('pool', HEARTBEAT)).toMatchObject({ status: 'accepted' });
});

it('no more decisions wait for their outcome than the client allows; the others are not sent yet', async () => {
  const { client, worker } = await setup(undefined, { maxOutstanding: 3, askAfterMs: 60_000 });
  const outcomes = Array.from({ length: 10 }, () => client.decide('pool', HEARTBEAT));
  for (let done = 0; done < 10; done++) {
    await vi.waitFor(() => expect(worker.seen.length).toBe(Math.min(done + 3, 10)));
    const decision = worker.seen[done];
    if (decision !== undefined) worker.tell(decision);
    await outcomes[done];
  }
});

it('a decision that waits in line gives up at its own deadline', async () => {
  const { client, worker } = await setup(undefined, { maxOutstanding: 1, askAfterMs: 60_000 });
  const first = client.decide('pool', HEARTBEAT);
  await expect(client.decide('pool', HEARTBEAT, { timeoutMs: 100 })).rejects.toThrow(OutcomeTimeoutError);
  expect(worker.seen).toHaveLength(1);
  const [decision] = worker.seen;
  if (decision !== undefined) worker.tell(decision);
  await first;
});

it('publishing resolves when the log has the decision, whatever becomes of it', async () => {
  const { client, worker } = await setup();
  const published = await client.publish('pool', { ...HEARTBEAT, id: 'p-1' });
  expect(published).toEqual({ decisionId: 'p-1', seq: 1 });
  expect(await client.publish('pool', { ...HEARTBEAT, id: 'p-1' })).toEqual({ decisionId: 'p-1', seq: 2 });
  expect(worker.seen[0]).toMatchObject({ id: 'p-1' });
});

it('when the log does not take a decision, neither publishing nor deciding pretends', async () => {
  const { client } = await setup(undefined, { shards: 1_000 });
  await expect(client.decide('pool', HEARTBEAT, { timeoutMs: 200 })).rejects.toThrow(PublishError);
  await expect(client.publish('pool', HEARTBEAT, { timeoutMs: 200 })).rejects.toThrow(PublishError);
  const sent = await client.send('pool', HEARTBEAT, { timeoutMs: 200 });
  await expect(sent.stored).rejects.toThrow(PublishError);
  await expect(sent.outcome).rejects.toThrow(PublishError);
});

it('what can be neither sent nor answered is rejected on the spot, with the code of the system', async () => {
  const { client, worker } = await setup();
  const task = { type: 'SubmitTask', taskId: 't', objective: 'o' } as const;
  const loop: { self?: unknown } = {};
  loop.self = loop;
  const rejections = await Promise.all([
    client.decide('no pool', HEARTBEAT),
    client.decide('pool', { ...HEARTBEAT, id: 'not.a.name' }),
    client.decide('pool', { ...task, inputs: 'x'.repeat(MAX_DECISION_BYTES) }),
    client.decide('pool', { ...task, inputs: loop as never }),
  ]);
  expect(rejections.map((outcome) => isRejected(outcome) && outcome.code)).toEqual([
    'invalid_decision',
    'invalid_decision',
    'too_large',
    'invalid_decision',
  ]);
  expect(rejections.every(({ shard, seq }) => shard === -1 && seq === 0)).toBe(true);
  await expect(client.publish('no pool', HEARTBEAT)).rejects.toThrow(PublishError);
  const sent = await client.send('no pool', HEARTBEAT);
  expect(await sent.outcome).toMatchObject({ code: 'invalid_decision' });
  expect(worker.seen).toEqual([]);
});

it('clients of several agents on one connection do not hear of each other', async () => {
  const { client } = await setup((decision, w) => w.tell(decision, { message: `to ${decision.agent}` }));
  const bob = client.withAgent('bob');
  expect(client.withAgent('bob')).toBe(bob);
  expect(client.withAgent('ada')).toBe(client);
  const outcomes = await Promise.all([
    client.decide('pool', { ...HEARTBEAT, id: 'same' }),
    bob.decide('pool', { ...HEARTBEAT, id: 'same' }),
  ]);
  expect(outcomes.map(({ agent }) => agent)).toEqual(['ada', 'bob']);
});

it('closing the client rejects what waits, and everything after; a borrowed connection stays open', async () => {
  const connection = await broker.connect();
  const { client, worker } = await setup(undefined, { connection });
  const waiting = client.decide('pool', HEARTBEAT);
  const bob = client.withAgent('bob');
  const bobs = bob.decide('pool', HEARTBEAT);
  const feed = client.events({ start: 'all' });
  await vi.waitFor(() => expect(worker.seen).toHaveLength(2));
  await client.close();
  await client.close();
  await expect(waiting).rejects.toThrow(UnavailableError);
  await expect(bobs).rejects.toThrow(UnavailableError);
  await expect(client.decide('pool', HEARTBEAT)).rejects.toThrow(UnavailableError);
  await expect(client.publish('pool', HEARTBEAT)).rejects.toThrow(UnavailableError);
  await expect(client.query('stats', {})).rejects.toThrow(UnavailableError);
  expect(() => client.events()).toThrow(UnavailableError);
  expect(feed.isClosed).toBe(true);
  expect(connection.isClosed()).toBe(false);
});

it('options that make no client are refused', async () => {
  const connection = await broker.connect();
  await expect(connect({ agent: 'not a name', connection })).rejects.toThrow(ConfigurationError);
  await expect(connect({ agent: 'ada' })).rejects.toThrow(ConfigurationError);
  await expect(connect({ agent: 'ada', connection, url: 'nats://x' })).rejects.toThrow(ConfigurationError);
  await expect(connect({ agent: 'ada', connection, shards: 0 })).rejects.toThrow(ConfigurationError);
  await expect(connect({ agent: 'ada', url: 'nats://127.0.0.1:1' })).rejects.toThrow(UnavailableError);
});
