import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Periodic } from '../../src/lib/periodic.ts';
import { withResolvers } from '../../src/lib/with-resolvers.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const unexpected = (error: unknown): never => expect.unreachable(String(error));

it('runs after each interval until it is stopped, and never again', async () => {
  const run = vi.fn();
  const periodic = new Periodic({ everyMs: 10, run, onError: unexpected });
  periodic.start();
  periodic.start();
  await vi.advanceTimersByTimeAsync(9);
  expect(run).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(21);
  expect(run).toHaveBeenCalledTimes(3);
  await periodic.stop();
  periodic.start();
  await vi.advanceTimersByTimeAsync(100);
  expect(run).toHaveBeenCalledTimes(3);
});

it('a run that is due while the one before is under way is left out, and stopping waits for it', async () => {
  let open = withResolvers<void>();
  const run = vi.fn(() => open.promise);
  const periodic = new Periodic({ everyMs: 10, run, onError: unexpected });
  periodic.start();
  await vi.advanceTimersByTimeAsync(35);
  expect(run).toHaveBeenCalledTimes(1);
  open.resolve();
  open = withResolvers<void>();
  await vi.advanceTimersByTimeAsync(10);
  expect(run).toHaveBeenCalledTimes(2);
  let hasStopped = false;
  const stopped = periodic.stop().then(() => {
    hasStopped = true;
  });
  await vi.advanceTimersByTimeAsync(10);
  expect(hasStopped).toBe(false);
  open.resolve();
  await stopped;
});

it.each([
  ['throws', () => expect.fail('no luck')],
  ['rejects', () => Promise.reject(new Error('no luck'))],
])('a run that %s is told of, and the next one comes', async (_how, run) => {
  const errors: unknown[] = [];
  const periodic = new Periodic({ everyMs: 10, run, onError: (error) => errors.push(error) });
  periodic.start();
  await vi.advanceTimersByTimeAsync(20);
  expect(errors).toHaveLength(2);
  expect(errors[0]).toMatchObject({ message: 'no luck' });
  await periodic.stop();
});
