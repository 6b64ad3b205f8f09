import { describe, expect, it, vi } from 'vitest';
import { boundedText } from '../../src/client/core/bounded-text.ts';
import { ClaimLostError, WorkResultError } from '../../src/client/index.ts';
import type { Json } from '../../src/index.ts';
import { messageOf } from '../../src/lib/errors.ts';
import { useAgents } from './agent-room.ts';

const { room, started } = useAgents();

const hostile = {
  get retryable(): boolean {
    throw new Error('asked too much');
  },
  toString(): string {
    throw new Error('no');
  },
  toJSON(): string {
    throw new Error('no');
  },
};

describe('work ends its claim, whatever it throws or returns', () => {
  const thrown: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['null', null],
    ['a symbol', Symbol('s')],
    ['an object without a prototype', Object.create(null)],
    ['an object that cannot be asked', hostile],
    ['an error whose message is an object', Object.assign(new Error('x'), { message: { quota: 1 } })],
    ['an error whose message is undefined', Object.assign(new Error('x'), { message: undefined })],
    ['an error whose message is half a character', new Error('\ud83d')],
    ['an error whose message is cut within a character', new Error(`${'x'.repeat(2_047)}😀`)],
    ['an error with a message of megabytes', new Error('x'.repeat(5_000_000))],
  ];

  it('thrown', async () => {
    const { pool, submit, becomes } = await room();
    const { agent } = await started(pool, {
      concurrency: 4,
      work: ({ taskId }) => {
        throw thrown[Number(taskId.slice(1))]?.[1];
      },
    });
    for (const i of thrown.keys())
      await submit(`t${i}`, { constraints: { maxAttempts: 1, claimTtlMs: 60_000 } });
    for (const [i, [name]] of thrown.entries()) {
      const { reason } = await becomes(`t${i}`, 'failed');
      expect(typeof reason, name).toBe('string');
      expect(reason?.isWellFormed(), name).toBe(true);
    }
    expect(agent.holding).toEqual([]);
  });

  const nested = (depth: number): Json => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as Json;
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const returned: readonly (readonly [string, unknown, RegExp])[] = [
    ['deeper than a decision', nested(40), /nested deeper than 32/],
    ['deeper than the stack', nested(5_000), /nested deeper than 32|not JSON/],
    ['half a character', { text: 'x\ud83d' }, /lone surrogate/],
    ['too large', 'x'.repeat(300_000), /too_large/],
    ['too many values', Array.from({ length: 30_000 }, () => 0), /more than 20000 values/],
    ['no JSON', { n: 10n }, /not JSON/],
    ['itself', cyclic, /not JSON/],
    ['an integer that loses digits', 2 ** 53, /2\^53/],
    ['what cannot be asked', { it: hostile }, /not JSON/],
  ];

  it('returned', async () => {
    const { pool, submit, becomes } = await room();
    const { errors } = await started(pool, {
      concurrency: 4,
      work: ({ taskId }) => returned[Number(taskId.slice(1))]?.[1] as Json,
    });
    for (const i of returned.keys())
      await submit(`t${i}`, { constraints: { maxAttempts: 1, claimTtlMs: 60_000 } });
    for (const [i, [name, , reason]] of returned.entries())
      expect((await becomes(`t${i}`, 'failed')).reason, name).toMatch(reason);
    expect(errors).toHaveLength(returned.length);
    for (const error of errors) expect(error).toBeInstanceOf(WorkResultError);
  });

  it.each([
    ['cut within a character', `${'x'.repeat(2_047)}😀 and more`],
    ['half a character', 'thinking \ud83d'],
    ['no text at all', { step: 3 } as unknown as string],
  ])('a note that is %s costs nothing', async (_what, note) => {
    const { pool, submit, becomes, boss } = await room();
    const feed = boss.events({ pool });
    await feed.opened;
    const { errors } = await started(pool, {
      claimTtlMs: 3_000,
      work: async (_task, { progress, signal }) => {
        progress(0.5, note);
        for await (const { type, data } of feed)
          if (type === 'converge.task.renewed' && data.progress === 0.5) break;
        return signal.aborted ? 'lost' : String(note).length;
      },
    });
    await submit('t');
    expect(await becomes('t', 'completed')).toMatchObject({ epoch: 1, expiries: 0 });
    expect(errors).toEqual([]);
  });

  it('texts are cut between characters', () => {
    expect(boundedText(`${'x'.repeat(9)}😀`, 10)).toBe('x'.repeat(9));
    expect(boundedText(`${'x'.repeat(8)}😀`, 10)).toBe(`${'x'.repeat(8)}😀`);
    expect(boundedText('a\ud83d', 10)).toBe('a\ufffd');
    expect(boundedText({ a: 1 }, 10)).toBe('{"a":1}');
    expect(messageOf(hostile)).toBe('a value that cannot be shown as text');
  });
});

it('what the workers would refuse by its form the client refuses at once, with the same words', async () => {
  const { pool, tasks, submit } = await room();
  const deep = JSON.parse('['.repeat(40) + ']'.repeat(40));
  const before = performance.now();
  const outcome = await tasks.submit({ taskId: 'deep', objective: 'o', inputs: deep }, { pool });
  expect(outcome).toMatchObject({
    status: 'rejected',
    code: 'invalid_decision',
    message: 'nested deeper than 32',
    shard: -1,
  });
  expect(performance.now() - before).toBeLessThan(1_000);
  expect(await tasks.submit({ taskId: '_t', objective: 'o' }, { pool })).toMatchObject({
    code: 'reserved_id',
  });
  await submit('t');
  const all = await tasks.submitAll(
    [
      { taskId: 'one', objective: 'o' },
      { taskId: 'bad', objective: 'o', inputs: { n: 1n } as unknown as Json },
      { taskId: 'two', objective: 'o' },
    ],
    { pool },
  );
  expect(all.map(({ status }) => status)).toEqual(['accepted', 'rejected', 'accepted']);
});

it('synchronous work that outlasts its claim is told by name, with how long it blocked', async () => {
  const { pool, submit } = await room();
  const { errors } = await started(pool, {
    work: () => {
      const until = performance.now() + 1_200;
      while (performance.now() < until);
      return 'late';
    },
  });
  await submit('slow', { constraints: { claimTtlMs: 400, maxExpiries: 1 } });
  await vi.waitFor(() => {
    const told = errors.find((error) => error instanceof ClaimLostError);
    const [, blockedMs] =
      /task slow .*event loop stood still for (\d+) ms.*claim lasts 400 ms/s.exec(String(told)) ?? [];
    expect(Number(blockedMs)).toBeGreaterThanOrEqual(1_200);
  }, 60_000);
});
