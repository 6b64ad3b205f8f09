import { after, type Timer } from './timers.ts';

/**
 * What the work comes to, or, when it takes longer, what `late` answers or throws: anyone who waits for someone else waits
 * within a bound. The work itself goes on.
 */
export async function within<T, Late>(ms: number, work: Promise<T>, late: () => Late): Promise<T | Late> {
  let timer: Timer | undefined;
  const expired = new Promise<void>((resolve) => {
    timer = after(ms, resolve);
  });
  return await Promise.race([work, expired.then(late)]).finally(() => timer?.cancel());
}
