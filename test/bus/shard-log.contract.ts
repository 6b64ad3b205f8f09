/** What a shard worker's log has to do, whoever keeps it: in order, from a position on, and only if it continues it. */
import { describe, expect, it } from 'vitest';
import type { LogMessage, LogPosition } from '../../src/bus/log-message.ts';
import { messageHash } from '../../src/bus/log-message.ts';
import { LogDivergedError, LogInterruptedError } from '../../src/lib/errors.ts';
import type { ShardLog, ShardLogReader } from '../../src/workers/shard/ports.ts';
import { until } from '../support/until.ts';

export interface LogUnderTest {
  /** The log of shard 0. */
  readonly log: ShardLog;
  /** Appends messages `m1`, `m2`, … to the stream, for shard 0 unless told otherwise. */
  append(count: number, shard?: number): Promise<void>;
  /** The stream loses all that it has, and is another one. */
  recreate(): Promise<void>;
}

async function positionAt(log: ShardLog, seq: number): Promise<LogPosition> {
  const message = seq === 0 ? undefined : await log.read(seq);
  return { seq, hash: message && messageHash(message), logIdentity: await log.identity() };
}

async function take(reader: ShardLogReader, count: number): Promise<LogMessage[]> {
  const taken: LogMessage[] = [];
  await until(`${count} messages`, async () => {
    taken.push(...(await reader.take(count - taken.length, 100)));
    return taken.length === count;
  });
  return taken;
}

function texts(messages: readonly LogMessage[]): string[] {
  return messages.map(({ data }) => Buffer.from(data).toString());
}

/** `onEndOfTest` closes what was opened. */
export function shardLogContract(
  newLog: () => Promise<LogUnderTest>,
  onEndOfTest: (close: () => Promise<unknown>) => void,
): void {
  async function open(log: ShardLog, seq: number): Promise<ShardLogReader> {
    const reader = await log.open(await positionAt(log, seq));
    onEndOfTest(async () => reader.close());
    return reader;
  }

  describe('reading', () => {
    it('gives the messages of its shard in order, from the beginning or from a position on', async () => {
      const { log, append } = await newLog();
      await append(2);
      await append(1, 1);
      await append(2);
      expect(texts(await take(await open(log, 0), 4))).toEqual(['m1', 'm2', 'm4', 'm5']);
      const from = await take(await open(log, 2), 2);
      expect(from.map(({ seq }) => seq)).toEqual([4, 5]);
    });

    it('goes on with what is appended later, and gives nothing while there is nothing', async () => {
      const { log, append } = await newLog();
      const reader = await open(log, 0);
      expect(await reader.take(10, 20)).toEqual([]);
      const next = reader.take(10, 10_000);
      await append(1);
      expect(texts(await next)).toEqual(['m1']);
    });

    it('gives at most what is asked for', async () => {
      const { log, append } = await newLog();
      await append(20);
      const reader = await open(log, 0);
      const read: string[] = [];
      while (read.length < 20) {
        const taken = await reader.take(7, 1_000);
        expect(taken.length).toBeLessThanOrEqual(7);
        read.push(...texts(taken));
      }
      expect(read).toEqual(Array.from({ length: 20 }, (_, i) => `m${i + 1}`));
    });

    it('ends a wait at once when it is nudged', async () => {
      const reader = await open((await newLog()).log, 0);
      const waiting = reader.take(10, 60_000);
      reader.nudge();
      expect(await waiting).toEqual([]);
    });

    it('interrupted, still gives what was delivered, and then throws for ever', async () => {
      const { log, append } = await newLog();
      await append(3);
      const reader = await open(log, 0);
      expect(texts(await take(reader, 1))).toEqual(['m1']);
      reader.interrupt('test');
      expect(texts(await reader.take(10, 1_000))).toEqual(['m2', 'm3']);
      for (let i = 0; i < 2; i++) await expect(reader.take(10, 1_000)).rejects.toThrow(LogInterruptedError);
    });
  });

  it('one message is read by its number, where there is one', async () => {
    const { log, append } = await newLog();
    await append(2);
    const message = await log.read(2);
    expect(message && texts([message])).toEqual(['m2']);
    expect(await log.read(3)).toBeUndefined();
  });

  describe('a log is not read on when it is not the one that was applied:', () => {
    async function expectDiverged(log: ShardLog, position: LogPosition, why: RegExp): Promise<void> {
      const opening = log.open(position);
      await expect(opening).rejects.toThrow(LogDivergedError);
      await expect(opening).rejects.toThrow(why);
    }

    it('it was made anew', async () => {
      const { log, append, recreate } = await newLog();
      await append(3);
      const position = await positionAt(log, 3);
      await recreate();
      await append(3);
      await expectDiverged(log, position, /another log/);
    });

    it('it ends before the position', async () => {
      const { log, append } = await newLog();
      await append(3);
      await expectDiverged(log, { ...(await positionAt(log, 3)), seq: 4 }, /ends at 3/);
    });

    it('another message stands at the position', async () => {
      const { log, append } = await newLog();
      await append(3);
      const { hash } = await positionAt(log, 2);
      await expectDiverged(log, { ...(await positionAt(log, 3)), hash }, /not the one/);
    });

    it('but one that is empty is read from its beginning', async () => {
      const { log } = await newLog();
      expect(await (await open(log, 0)).take(1, 10)).toEqual([]);
    });
  });
}
