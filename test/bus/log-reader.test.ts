import { describe, expect, it, vi } from 'vitest';
import {
  type LogMessage,
  LogReader,
  type LogSource,
  messageHash,
  millisecondsOf,
  readMessage,
  verifiable,
} from '../../src/bus/log-reader.ts';
import { verifyLog } from '../../src/bus/verify-log.ts';
import { LogDivergedError, LogInterruptedError } from '../../src/lib/errors.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem();
let streams = 0;

interface Log {
  readonly source: LogSource;
  readonly identity: string;
  append(count: number, shard?: number): Promise<void>;
  positionAt(seq: number): Promise<Parameters<typeof verifyLog>[1]>;
}

async function newLog(): Promise<Log> {
  const name = `log${streams++}`;
  const { created } = await system.jsm.streams.add({ name, subjects: [`${name}.*.>`], allow_direct: true });
  let appended = 0;
  const { nats: connection, jsm } = system;
  const filter = `${name}.0.>`;
  const source = { connection, jsm, stream: name, filter, shard: 0, marks: undefined };
  return {
    source,
    identity: created,
    async append(count, shard = 0) {
      for (let i = 0; i < count; i++) await system.nats.request(`${name}.${shard}.p.a`, `m${++appended}`);
    },
    async positionAt(seq) {
      const message = seq === 0 ? undefined : await readMessage(system.jsm, name, seq);
      const hash = message && messageHash(message);
      return { seq, hash, logIdentity: created };
    },
  };
}

async function open(log: Log, seq: number): Promise<LogReader> {
  const reader = await LogReader.open(log.source, await log.positionAt(seq));
  system.onEndOfTest(async () => reader.close());
  return reader;
}

async function take(reader: LogReader, count: number): Promise<LogMessage[]> {
  const taken: LogMessage[] = [];
  await until(`${count} messages`, async () => {
    taken.push(...(await reader.take(count - taken.length, 100)));
    return taken.length === count;
  });
  return taken;
}

const texts = (messages: readonly LogMessage[]): string[] =>
  messages.map(({ data }) => Buffer.from(data).toString());

describe('reading', () => {
  it('gives the messages of its shard in order, from the beginning or from a position on', async () => {
    const log = await newLog();
    await log.append(2);
    await log.append(1, 1);
    await log.append(2);
    expect(texts(await take(await open(log, 0), 4))).toEqual(['m1', 'm2', 'm4', 'm5']);
    const from = await take(await open(log, 2), 2);
    expect(from.map(({ seq }) => seq)).toEqual([4, 5]);
    expect(from[0]?.subject).toBe(`${log.source.stream}.0.p.a`);
    expect(Math.abs((from[0]?.at ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('goes on with what is appended later, and gives nothing while there is nothing', async () => {
    const log = await newLog();
    const reader = await open(log, 0);
    expect(await reader.take(10, 20)).toEqual([]);
    const next = reader.take(10, 10_000);
    await log.append(1);
    expect(texts(await next)).toEqual(['m1']);
  });

  it('gives at most what is asked for, and loses nothing when the worker is slower than the log', async () => {
    const log = await newLog();
    const count = 3_000;
    for (let i = 0; i < count; i++) system.nats.publish(`${log.source.stream}.0.p.a`, `${i}`);
    await system.nats.flush();
    const reader = await open(log, 0);
    const read: string[] = [];
    while (read.length < count) {
      const taken = await reader.take(7, 1_000);
      expect(taken.length).toBeLessThanOrEqual(7);
      read.push(...texts(taken));
    }
    expect(read).toEqual(Array.from({ length: count }, (_, i) => `${i}`));
  });

  it('is interrupted when the server falls silent, also where the clock was set back an hour', async () => {
    const log = await newLog();
    const reader = await open(log, 0);
    const now = Date.now;
    vi.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
    await system.servers.nats.kill('SIGSTOP');
    try {
      await expect(reader.take(10, 20_000)).rejects.toThrow(/the server sent no heartbeat/);
    } finally {
      await system.servers.nats.kill('SIGCONT');
      vi.restoreAllMocks();
    }
  });

  it('ends a wait at once when it is nudged', async () => {
    const reader = await open(await newLog(), 0);
    const waiting = reader.take(10, 60_000);
    reader.nudge();
    expect(await waiting).toEqual([]);
  });

  it('interrupted, still gives what was delivered, and then throws for ever', async () => {
    const log = await newLog();
    await log.append(3);
    const reader = await open(log, 0);
    const [first] = await take(reader, 1);
    expect(first?.seq).toBe(1);
    reader.interrupt('test');
    expect(texts(await reader.take(10, 1_000))).toEqual(['m2', 'm3']);
    for (let i = 0; i < 2; i++) await expect(reader.take(10, 1_000)).rejects.toThrow(LogInterruptedError);
  });

  it('is interrupted when its consumer or its stream is gone', async () => {
    const log = await newLog();
    await log.append(1);
    for (const remove of [
      async () => {
        for await (const { name } of system.jsm.consumers.list(log.source.stream)) {
          await system.jsm.consumers.delete(log.source.stream, name);
        }
      },
      () => system.jsm.streams.delete(log.source.stream),
    ]) {
      const reader = await open(log, 0);
      await take(reader, 1);
      await remove();
      await until('the interruption', () =>
        reader.take(1, 50).then(
          () => false,
          (error) => error instanceof LogInterruptedError,
        ),
      );
    }
  });

  it('leaves no consumer behind when it is closed', async () => {
    const log = await newLog();
    const reader = await open(log, 0);
    expect((await system.jsm.streams.info(log.source.stream)).state.consumer_count).toBe(1);
    reader.close();
    await until('the consumer to be gone', async () => {
      const { state } = await system.jsm.streams.info(log.source.stream);
      return state.consumer_count === 0;
    });
  });
});

async function third(log: Log): Promise<LogMessage> {
  const message = await readMessage(system.jsm, log.source.stream, 3);
  if (message === undefined) throw new Error('there is no third message');
  return message;
}

it('a message has the same time, whether it is delivered or asked for', async () => {
  const log = await newLog();
  await log.append(500);
  for (const message of await take(await open(log, 0), 500)) {
    const asked = await readMessage(system.jsm, log.source.stream, message.seq);
    expect(asked && [asked.at, messageHash(asked)]).toEqual([message.at, messageHash(message)]);
  }
});

it('a time that a number cannot hold to the nanosecond is cut to its millisecond all the same', () => {
  const cut = (nanos: bigint): number => millisecondsOf(Number(nanos), () => nanos);
  expect(Number(1_700_000_000_123_999_999n) / 1_000_000).toBe(1_700_000_000_124);
  expect(cut(1_700_000_000_123_999_999n)).toBe(1_700_000_000_123);
  expect(cut(1_700_000_000_124_000_000n)).toBe(1_700_000_000_124);
  expect(cut(1_700_000_000_123_500_001n)).toBe(1_700_000_000_123);
});

describe('a log is not read on when it is not the one that was applied:', () => {
  async function expectDiverged(log: Log, position: object, why: RegExp): Promise<void> {
    const asked = { ...(await log.positionAt(3)), ...position };
    const opening = LogReader.open(log.source, asked);
    await expect(opening).rejects.toThrow(LogDivergedError);
    await expect(opening).rejects.toThrow(why);
  }

  it('it was created at another time', async () => {
    const log = await newLog();
    await log.append(3);
    await expectDiverged(log, { logIdentity: '2020-01-01T00:00:00Z' }, /another log/);
  });

  it('it ends before the position', async () => {
    const log = await newLog();
    await log.append(3);
    await expectDiverged(log, { seq: 4 }, /ends at 3/);
  });

  it('another message stands at the position', async () => {
    const log = await newLog();
    await log.append(3);
    await expectDiverged(
      log,
      { hash: messageHash({ ...(await third(log)), data: Buffer.from('other') }) },
      /not the one/,
    );
  });

  it('the same decision stands at the position, but was stored at another time', async () => {
    const log = await newLog();
    await log.append(3);
    const message = await third(log);
    await expectDiverged(log, { hash: messageHash({ ...message, at: message.at - 1 }) }, /not the one/);
  });

  it('the message at the position is gone', async () => {
    const log = await newLog();
    await log.append(5);
    const { seq, hash } = await log.positionAt(3);
    await system.jsm.streams.deleteMessage(log.source.stream, 3);
    await expectDiverged(log, { seq, hash }, /no longer holds/);
  });

  it('nothing is applied, and its beginning is gone', async () => {
    const log = await newLog();
    await log.append(3);
    await system.jsm.streams.purge(log.source.stream, { seq: 3 });
    await expectDiverged(log, { seq: 0, hash: undefined }, /begins at 3/);
  });

  it('but one that is empty is read from its beginning', async () => {
    const log = await newLog();
    await expect(
      verifyLog(verifiable(log.source), { seq: 0, hash: undefined, logIdentity: log.identity }),
    ).resolves.toBeUndefined();
  });
});
