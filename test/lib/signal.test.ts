import { expect, it } from 'vitest';
import { Signal } from '../../src/lib/signal.ts';

/** Whether it has resolved by the time that all pending promises have. */
async function isOver(waiting: Promise<void>): Promise<boolean> {
  let over = false;
  void waiting.then(() => {
    over = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return over;
}

it('a notification wakes everyone who waits, once', async () => {
  const signal = new Signal();
  const both = [signal.next(), signal.next(60_000)];
  expect(await Promise.all(both.map(isOver))).toEqual([false, false]);
  signal.notify();
  expect(await Promise.all(both.map(isOver))).toEqual([true, true]);
  const later = signal.next();
  expect(await isOver(later)).toBe(false);
});

it('a notification while nobody waits ends the next wait, and only that, however many there were', async () => {
  const signal = new Signal();
  signal.notify();
  signal.notify();
  expect(await isOver(signal.next())).toBe(true);
  expect(await isOver(signal.next())).toBe(false);
});

it('a notification for those who wait now means nothing to those who wait later', async () => {
  const signal = new Signal();
  signal.notifyWaiters();
  const waiting = signal.next();
  expect(await isOver(waiting)).toBe(false);
  signal.notifyWaiters();
  expect(await isOver(waiting)).toBe(true);
});

it('a wait ends after its time, and leaves neither waiter nor alarm behind', async () => {
  const alarms = new Map<number, () => void>();
  const signal = new Signal((ms, ring) => {
    alarms.set(ms, ring);
    return () => alarms.delete(ms);
  });
  const short = signal.next(-5);
  const long = signal.next(10);
  expect([...alarms.keys()]).toEqual([0, 10]);
  alarms.get(0)?.();
  expect(await isOver(short)).toBe(true);
  expect(await isOver(long)).toBe(false);
  signal.notify();
  expect(await isOver(long)).toBe(true);
  expect(alarms.size).toBe(0);
});
