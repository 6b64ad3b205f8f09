import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from 'nats';
import { expect, it, vi } from 'vitest';
import {
  type DecisionMessage,
  DecisionPublisher,
  type DecisionPublisherOptions,
} from '../../src/bus/decision-publisher.ts';
import type { StreamLimits } from '../../src/bus/stream-configs.ts';
import { ensureStreams } from '../../src/bus/streams.ts';
import { PublishError } from '../../src/lib/errors.ts';
import { type Subjects, subjects } from '../../src/protocol/subjects.ts';
import { startNats, temporaryDataDir } from '../../src/servers/index.ts';
import { LIMITS, SHARDS, useBroker } from './system.ts';

const broker = useBroker();

interface Setup {
  readonly connection: NatsConnection;
  readonly publisher: DecisionPublisher;
  readonly names: Subjects;
  message(text: string, extra?: Partial<DecisionMessage>): DecisionMessage;
  /** What the log holds, in order. */
  stored(): Promise<string[]>;
}

async function setup(
  options: Partial<DecisionPublisherOptions> = {},
  limits: Partial<StreamLimits> = {},
): Promise<Setup> {
  const names = await broker.streams(limits);
  const connection = await broker.connect();
  const publisher = new DecisionPublisher({ connection, ...options });
  return {
    connection,
    publisher,
    names,
    message: (text, extra = {}) => ({
      subject: names.decision('pool', 'agent', SHARDS),
      payload: Buffer.from(text),
      ...extra,
    }),
    stored: () => storedIn(names.streams.decisions),
  };
}

async function storedIn(stream: string): Promise<string[]> {
  const jsm = await jetstreamManager(await broker.connect());
  const { state } = await jsm.streams.info(stream);
  const texts: string[] = [];
  for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq++) {
    texts.push((await jsm.streams.getMessage(stream, { seq }))?.string() ?? '');
  }
  return texts;
}

/** The server stands still meanwhile. */
async function whileStopped<T>(act: () => Promise<T>): Promise<T> {
  await broker.server.kill('SIGSTOP');
  try {
    // On a busy machine its threads go on for a while.
    await vi.waitFor(async () => expect(await processState()).toMatch(/^T/), { timeout: 60_000 });
    return await act();
  } finally {
    await broker.server.kill('SIGCONT');
  }
}

/** `T` when stopped. Slim images have no `ps`, other systems no `/proc`. */
async function processState(): Promise<string> {
  const { pid } = broker.server;
  try {
    return /^State:\s*(\S)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  } catch {
    return (await promisify(execFile)('ps', ['-o', 'state=', '-p', String(pid)])).stdout.trim();
  }
}

it('resolves with the place in the log, in the order of the calls', async () => {
  const { publisher, message, stored } = await setup();
  const acks = await Promise.all(['a', 'b', 'c'].map((text) => publisher.publish(message(text))));
  expect(acks).toEqual([1, 2, 3].map((seq) => ({ seq })));
  expect(await stored()).toEqual(['a', 'b', 'c']);
  expect(publisher.unconfirmed).toBe(0);
});

it('what is published twice is stored twice: the log knows no ids of decisions', async () => {
  const { publisher, message, stored } = await setup();
  await publisher.publish(message('a'));
  expect(await publisher.publish(message('a'))).toEqual({ seq: 2 });
  expect(await stored()).toEqual(['a', 'a']);
});

it('never has more on the way than the window allows, and takes from an iterable no faster', async () => {
  const { publisher, message, stored } = await setup({ maxUnconfirmed: 10 });
  let taken = 0;
  let most = 0;
  function* messages(): Iterable<DecisionMessage> {
    for (let i = 0; i < 500; i++) {
      taken++;
      most = Math.max(most, publisher.unconfirmed);
      yield message(`m${i}`);
    }
  }
  const all = publisher.publishAll(messages());
  // Nothing can be confirmed before the first turn of the event loop: one waits in line, and no more are taken.
  expect(taken).toBe(11);
  const acks = await all;
  expect(acks.map(({ seq }) => seq)).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
  expect(most).toBeLessThanOrEqual(10);
  expect((await stored()).at(-1)).toBe('m499');
});

it('bounds the bytes on the way as well', async () => {
  const { publisher, message } = await setup({ maxUnconfirmedBytes: 1_000 });
  const big = (name: string) => message(name.padEnd(600, '.'));
  const acks = ['a', 'b', 'c'].map((name) => publisher.publish(big(name)));
  expect(publisher.unconfirmed).toBe(1);
  expect(await Promise.all(acks)).toHaveLength(3);
});

it('goes on trying while no log listens, and is stored when there is one', async () => {
  const connection = await broker.connect();
  const publisher = new DecisionPublisher({ connection });
  const names = subjects('late');
  const ack = publisher.publish({
    subject: names.decision('pool', 'agent', SHARDS),
    payload: Buffer.from('patient'),
  });
  await vi.waitFor(() => expect(connection.stats().inMsgs).toBeGreaterThan(1));
  await ensureStreams(await jetstreamManager(connection), names, SHARDS, LIMITS);
  expect(await ack).toEqual({ seq: 1 });
  expect(await storedIn(names.streams.decisions)).toEqual(['patient']);
});

it('gives up at the deadline when no log listens, and says so', async () => {
  const { publisher, message } = await setup();
  const lost = publisher.publish(message('a', { subject: 'nobody.listens', deadlineMs: 200 }));
  await expect(lost).rejects.toThrow(PublishError);
  await expect(lost).rejects.toThrow('no stream listens on the subject');
});

it('a decision for a shard that does not exist is not stored anywhere', async () => {
  const { publisher, message, names, stored } = await setup();
  const subject = names.shardDecision(SHARDS, 'agent', 'pool');
  await expect(publisher.publish(message('a', { subject, deadlineMs: 200 }))).rejects.toThrow(PublishError);
  expect(await stored()).toEqual([]);
});

it('a full log is tried until there is room again', async () => {
  const { publisher, message, names, connection } = await setup({}, { logMaxBytes: 20_000 });
  const text = (i: number) => `${i}`.padEnd(4_000, '.');
  for (let i = 0; i < 4; i++) await publisher.publish(message(text(i)));
  const waiting = publisher.publish(message(text(4)));
  const jsm = await jetstreamManager(connection);
  await expect(publisher.publish(message(text(5), { deadlineMs: 200 }))).rejects.toThrow('the log is full');
  await jsm.streams.purge(names.streams.decisions);
  expect((await waiting).seq).toBeGreaterThan(0);
});

it('rejects at once what the log can never store', async () => {
  const { publisher, message, connection, names } = await setup();
  const jsm = await jetstreamManager(connection);
  const started = performance.now();
  await expect(publisher.publish(message('x'.repeat(2_000_000)))).rejects.toThrow('max_payload');
  await expect(publisher.publish(message('a', { subject: 'not a subject' }))).rejects.toThrow(PublishError);
  expect(publisher.unconfirmed).toBe(0);
  expect(await publisher.publish(message('fine'))).toEqual({ seq: 1 });
  const { config } = await jsm.streams.info(names.streams.decisions);
  const sealed = { ...config, sealed: true };
  await jsm.streams.update(names.streams.decisions, sealed);
  await expect(publisher.publish(message('late'))).rejects.toThrow('sealed');
  expect(performance.now() - started).toBeLessThan(5_000);
});

it('a log that is closed because it is nearly full is tried until it is open again', async () => {
  const { publisher, message, connection, names } = await setup();
  const jsm = await jetstreamManager(connection);
  await jsm.streams.update(names.streams.decisions, { max_msg_size: 1 });
  const published = publisher.publish(message('patient'));
  await expect(publisher.publish(message('hasty', { deadlineMs: 200 }))).rejects.toThrow('the log is full');
  await jsm.streams.update(names.streams.decisions, { max_msg_size: -1 });
  expect(await published).toEqual({ seq: 1 });
});

it('after the first failure no more is taken from the iterable', async () => {
  const { publisher, message } = await setup({ maxUnconfirmed: 1 });
  let taken = 0;
  function* messages(): Iterable<DecisionMessage> {
    for (; taken < 100; taken++) {
      yield message(`m${taken}`, taken === 3 ? { subject: 'nobody.listens', deadlineMs: 100 } : {});
    }
  }
  await expect(publisher.publishAll(messages())).rejects.toThrow(PublishError);
  expect(taken).toBeLessThan(10);
});

it('everything is stored, some of it twice, across a server that is killed and comes back', async () => {
  const { publisher, message, stored } = await setup({ maxUnconfirmed: 50 });
  const acks = publisher.publishAll(Array.from({ length: 2_000 }, (_, i) => message(`m${i}`)));
  await vi.waitFor(async () => expect(publisher.unconfirmed).toBeGreaterThan(0));
  await broker.server.kill();
  await broker.server.restart();
  expect(await acks).toHaveLength(2_000);
  const texts = await stored();
  expect([...new Set(texts)].sort()).toEqual(Array.from({ length: 2_000 }, (_, i) => `m${i}`).sort());
});

it('what is published while there is no connection is stored when it is back', async () => {
  const { publisher, message, stored } = await setup();
  await publisher.publish(message('before'));
  await broker.server.kill();
  const ack = publisher.publish(message('meanwhile'));
  await broker.server.restart();
  expect(await ack).toEqual({ seq: expect.any(Number) });
  expect([...new Set(await stored())]).toEqual(['before', 'meanwhile']);
});

it('a server that stands still is waited for, and sent the same again', async () => {
  const { publisher, message, stored } = await setup({ ackTimeoutMs: 50 });
  const { patient } = await whileStopped(async () => {
    const begun = publisher.publish(message('a'));
    const hopeless = publisher.publish(message('b', { deadlineMs: 300 }));
    await expect(hopeless).rejects.toThrow(/sent \d+ times; it may have been stored/);
    return { patient: begun };
  });
  await patient;
  await vi.waitFor(async () => expect(new Set(await stored())).toEqual(new Set(['a', 'b'])));
});

it('what waits in line gives up at its own deadline, without having been sent', async () => {
  const { publisher, message, stored } = await setup({ maxUnconfirmed: 1, ackTimeoutMs: 10_000 });
  const { first } = await whileStopped(async () => {
    const begun = publisher.publish(message('first'));
    const second = publisher.publish(message('second', { deadlineMs: 100 }));
    await expect(second).rejects.toThrow('it was not sent');
    return { first: begun };
  });
  await first;
  expect(await stored()).toEqual(['first']);
});

it('rejects at once what the server does not permit', async () => {
  const server = await startNats({
    dataDir: await temporaryDataDir('converge-client-test'),
    env: { ...process.env, CONVERGE_NATS_URL: undefined },
    config: `authorization { users = [
      { user: admin, password: secret }
      { user: agent, password: secret, permissions: { publish: ["ns.decisions.*.*.agent", "$JS.API.>"] } }
    ] }
    no_auth_user: admin`,
  });
  try {
    const admin = await connect({ servers: server.url });
    const names = subjects('ns');
    await ensureStreams(await jetstreamManager(admin), names, SHARDS, LIMITS);
    const connection = await connect({ servers: server.url, user: 'agent', pass: 'secret' });
    const publisher = new DecisionPublisher({ connection });
    const publish = (agent: string) =>
      publisher.publish({ subject: names.decision('pool', agent, SHARDS), payload: Buffer.from('x') });
    expect(await publish('agent')).toMatchObject({ seq: 1 });
    await expect(publish('another')).rejects.toThrow('only another may; converge auth add-agent another');
    await connection.close();
    await admin.close();
  } finally {
    await server.stop();
  }
});

it('rejects what is under way when it or the connection is closed, and everything after', async () => {
  const { publisher, message } = await setup();
  const dangling = publisher.publish(message('a', { subject: 'nobody.listens' }));
  publisher.close();
  await expect(dangling).rejects.toThrow('the publisher is closed');
  await expect(publisher.publish(message('b'))).rejects.toThrow('the publisher is closed');

  const other = await setup();
  const lost = other.publisher.publish(message('c', { subject: 'nobody.listens' }));
  await other.connection.close();
  await expect(lost).rejects.toThrow('the connection is closed');
  await expect(other.publisher.publish(message('d'))).rejects.toThrow(PublishError);
});
