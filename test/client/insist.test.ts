/** What an agent decides for itself is tried until it has an answer that stays, and never decided twice. */
import { expect, it, vi } from 'vitest';
import { insist } from '../../src/client/core/insist.ts';
import type { AnyOutcome } from '../../src/client/index.ts';
import {
  OutcomeTimeoutError,
  OutcomeUnknownError,
  PublishError,
  UnavailableError,
} from '../../src/lib/errors.ts';

const outcome = (changes: object): AnyOutcome =>
  ({
    decisionId: 'd',
    type: 'LeavePool',
    agent: 'a',
    pool: 'p',
    events: [],
    shard: 0,
    seq: 1,
    at: 1,
    ...changes,
  }) as unknown as AnyOutcome;
let ids = 0;
const client = { newId: () => `id-${ids++}`, isClosed: false, outcomeRetentionMs: 600_000 };

it('an outcome that is not known is asked for with the same id, and the author learns of it', async () => {
  const onError = vi.fn();
  const asked: string[] = [];
  const answer = await insist({ client, goOn: () => true, onError }, async (id) => {
    asked.push(id);
    if (asked.length < 3) throw new OutcomeTimeoutError('no outcome');
    return outcome({ status: 'accepted' });
  });
  expect(answer).toMatchObject({ status: 'accepted' });
  expect(new Set(asked).size).toBe(1);
  expect(onError).toHaveBeenCalledTimes(2);
});

it('what may pass is decided again with another id when its time has come', async () => {
  const asked: { readonly id: string; readonly at: number }[] = [];
  await insist({ client, goOn: () => true, onError: () => undefined }, async (id) => {
    asked.push({ id, at: performance.now() });
    if (asked.length > 1) return outcome({ status: 'accepted' });
    return outcome({
      status: 'rejected',
      code: 'rate_limited',
      transient: true,
      data: { retryAfterMs: 600 },
    });
  });
  const [first, second] = asked;
  expect(first?.id).not.toBe(second?.id);
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(599);
});

it('what trying again does not change is not tried again', async () => {
  const never = vi
    .fn()
    .mockRejectedValue(new PublishError('larger than the server takes', { isFinal: true }));
  const options = { client, goOn: () => true, onError: () => undefined };
  await expect(insist(options, never)).rejects.toThrow('larger');
  const closed = { ...options, client: { ...client, isClosed: true } };
  await expect(insist(closed, vi.fn().mockRejectedValue(new UnavailableError('closed')))).rejects.toThrow();
  const banned = vi.fn().mockResolvedValue(outcome({ status: 'rejected', code: 'agent_banned' }));
  expect(await insist(options, banned)).toMatchObject({ code: 'agent_banned' });
  for (const tried of [never, banned]) expect(tried).toHaveBeenCalledOnce();
});

it.each([
  ['nobody knows', () => new OutcomeUnknownError('nobody knows it')],
  ['was not told in time', () => new OutcomeTimeoutError('not told')],
  ['was perhaps never stored', () => new PublishError('not confirmed', { mayBeStored: true })],
])(
  'a decision whose outcome %s is sent for half of the time that it is remembered, never under another id',
  async (_what, error) => {
    const asked: string[] = [];
    const onError = vi.fn();
    const patient = { client: { ...client, outcomeRetentionMs: 1_000 }, goOn: () => true, onError };
    const began = performance.now();
    const answer = insist(patient, async (id) => {
      asked.push(id);
      throw error();
    });
    await expect(answer).rejects.toThrow(OutcomeUnknownError);
    expect(performance.now() - began).toBeGreaterThanOrEqual(499);
    expect(asked.length).toBeGreaterThan(1);
    expect(new Set(asked).size).toBe(1);
    expect(onError).toHaveBeenCalledTimes(asked.length);
  },
);

it('what was surely not stored is tried for as long as anybody wants it', async () => {
  const asked: string[] = [];
  const away = {
    client: { ...client, outcomeRetentionMs: 2 },
    goOn: () => asked.length < 4,
    onError: () => undefined,
  };
  const answer = await insist(away, async (id) => {
    asked.push(id);
    throw new PublishError('NATS is away');
  });
  expect(answer).toBeUndefined();
  expect(asked.length).toBe(4);
});
