import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { after, every, MAX_TIMER_MS, sleep, timerMs } from '../../src/lib/timers.ts';
import { within } from '../../src/lib/within.ts';

const DAY_MS = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('a timer of more days than one of Node holds rings when they are over, and not before', async () => {
  const ring = vi.fn();
  after(80 * DAY_MS, ring);
  await vi.advanceTimersByTimeAsync(80 * DAY_MS - 1);
  expect(ring).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(ring).toHaveBeenCalledOnce();
});

it.each([MAX_TIMER_MS, MAX_TIMER_MS + 1])('a timer of %d ms rings at its time', async (ms) => {
  const ring = vi.fn();
  after(ms, ring);
  await vi.advanceTimersByTimeAsync(ms - 1);
  expect(ring).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(ring).toHaveBeenCalledOnce();
});

it('an endless timer never rings', async () => {
  const ring = vi.fn();
  const timer = after(Number.POSITIVE_INFINITY, ring);
  await vi.advanceTimersByTimeAsync(400 * DAY_MS);
  expect(ring).not.toHaveBeenCalled();
  timer.cancel();
  expect(vi.getTimerCount()).toBe(0);
});

it('what repeats every 80 days rings every 80 days, until it is cancelled', async () => {
  const ring = vi.fn();
  const timer = every(80 * DAY_MS, ring);
  await vi.advanceTimersByTimeAsync(241 * DAY_MS);
  expect(ring).toHaveBeenCalledTimes(3);
  timer.cancel();
  await vi.advanceTimersByTimeAsync(200 * DAY_MS);
  expect(ring).toHaveBeenCalledTimes(3);
  expect(vi.getTimerCount()).toBe(0);
});

it('a timer that cancels itself while it rings rings no more', async () => {
  let rings = 0;
  const timer = every(10, () => {
    if (++rings === 2) timer.cancel();
  });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(rings).toBe(2);
});

it('none and fewer than none ring at once, and no duration is refused', async () => {
  const ring = vi.fn();
  after(-5, ring);
  after(0, ring);
  await vi.advanceTimersByTimeAsync(1);
  expect(ring).toHaveBeenCalledTimes(2);
  expect(() => after(Number.NaN, ring)).toThrow(RangeError);
  await expect(sleep(Number.NaN)).rejects.toThrow(RangeError);
});

it('a sleep that is ended by its signal leaves neither a timer nor a listener', async () => {
  const ending = new AbortController();
  const removed = vi.spyOn(ending.signal, 'removeEventListener');
  await Promise.all([sleep(5, ending.signal), vi.advanceTimersByTimeAsync(5)]);
  expect(removed).toHaveBeenCalledOnce();
  const slept = sleep(80 * DAY_MS, ending.signal);
  ending.abort(new Error('enough'));
  await expect(slept).rejects.toThrow('enough');
  await expect(sleep(1, ending.signal)).rejects.toThrow('enough');
  expect(vi.getTimerCount()).toBe(0);
});

it('whoever waits without an end is never late', async () => {
  const late = vi.fn();
  let finish = (_what: string): void => undefined;
  const work = new Promise<string>((resolve) => {
    finish = resolve;
  });
  const result = within(Number.POSITIVE_INFINITY, work, late);
  await vi.advanceTimersByTimeAsync(100 * DAY_MS);
  finish('done');
  expect(await result).toBe('done');
  expect(late).not.toHaveBeenCalled();
});

it('a library gets no duration that its timers do not hold', () => {
  expect(timerMs(Number.POSITIVE_INFINITY)).toBe(MAX_TIMER_MS);
  expect(timerMs(80 * DAY_MS)).toBe(MAX_TIMER_MS);
  expect(timerMs(250)).toBe(250);
  expect(timerMs(-1)).toBe(1);
  expect(() => timerMs(Number.NaN)).toThrow(RangeError);
});

/** What sets a timer of Node's own, by whatever name: the globals are refused by biome.json, too. */
const RAW_TIMER =
  /\b(?:setTimeout|setInterval)\b|\bAbortSignal\s*\.\s*timeout\b|['"](?:node:)?timers(?:\/promises)?['"]/;

it('nothing in src sets a timer but by timers.ts', () => {
  const src = new URL('../../src/', import.meta.url);
  const offenders = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file !== 'lib/timers.ts')
    .filter((file) => RAW_TIMER.test(readFileSync(new URL(file, src), 'utf8')));
  expect(offenders).toEqual([]);
});
