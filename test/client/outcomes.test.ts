import { headers } from 'nats';
import { expect, it, vi } from 'vitest';
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
  PublishError,
  UnavailableError,
} from '../../src/errors.ts';
import { MAX_DECISION_BYTES } from '../../src/protocol/limits.ts';
import { ScriptedWorker, type SeenDecision } from './scripted-worker.ts';
import { SHARDS, useBroker } from './system.ts';

const broker = useBroker();
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
  expect(worker.seen).toMatchObject([{ messageId: `ada.${outcome.decisionId}` }]);
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
  await expect(outcome).rejects.toThrow('decide again with the same id, mine');
});

it('deciding again with the same id gives the first outcome without a second decision in the log', async () => {
  const { client, worker } = await setup((decision, w) => w.remember(decision, { seq: 5 }));
  const first = await client.decide('pool', { ...HEARTBEAT, id: 'once' });
  const again = await client.decide('pool', { ...HEARTBEAT, id: 'once' });
  expect(again).toEqual(first);
  // Two messages were sent; the second is one that the log did not store.
  expect(worker.seen.map(({ messageId }) => messageId)).toEqual(['ada.once', 'ada.once']);
});

it('several who wait for the same id all get its outcome', async () => {
  const { client, worker } = await setup();
  const outcomes = [1, 2, 3].map(() => client.decide('pool', { ...HEARTBEAT, id: 'shared' }));
  await vi.waitFor(() => expect(worker.seen).toHaveLength(3));
  const [decision] = worker.seen;
  if (decision !== undefined) worker.tell(decision);
  expect(await Promise.all(outcomes)).toHaveLength(3);
});

it("when someone else's message has used up our id, the decision is sent again without it", async () => {
  const { client, worker } = await setup((decision, w) => {
    if (decision.messageId === undefined && decision.agent === 'ada') w.tell(decision, { seq: 9 });
  });
  const stolen = headers();
  stolen.set('Nats-Msg-Id', 'ada.d-1');
  const subject = client.subjects.decision('pool', 'mallory', SHARDS);
  (await broker.connect()).publish(subject, '{"id":"x","type":"Heartbeat"}', { headers: stolen });
  await vi.waitFor(() => expect(worker.seen).toHaveLength(1));
  expect(await client.decide('pool', { ...HEARTBEAT, id: 'd-1' })).toMatchObject({ seq: 9 });
});

it('a result that is about another decision is not believed; what is remembered counts', async () => {
  const { client } = await setup((decision, w) => {
    w.remember(decision, { seq: 3 });
    w.tell(decision, { type: 'ClosePool', seq: 666 });
    w.tell(decision, { pool: 'elsewhere', seq: 666 });
    w.tell(decision, { agent: 'mallory', seq: 666 });
  });
  expect(await client.decide('pool', HEARTBEAT)).toMatchObject({ seq: 3 });
});

it('an id that belongs to another decision of the agent is an error', async () => {
  const { client } = await setup((decision, w) => w.remember(decision, { type: 'ClosePool' }));
  await expect(client.decide('pool', HEARTBEAT)).rejects.toThrow(DecisionIdReusedError);
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
  expect(published).toEqual({ decisionId: 'p-1', seq: 1, duplicate: false });
  expect(await client.publish('pool', { ...HEARTBEAT, id: 'p-1' })).toMatchObject({
    seq: 1,
    duplicate: true,
  });
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
