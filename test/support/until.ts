import { setTimeout as delay } from 'node:timers/promises';

const EVERY_MS = 10;

/**
 * Waits for something to be there: asks again until the answer is neither undefined, null nor false, and returns it.
 * What the question throws is part of the message when the time is over.
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  withinMs = 60_000,
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    let last: unknown;
    try {
      const answer = await ask();
      if (isThere(answer)) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`waited ${withinMs} ms in vain for ${what}; last: ${String(last)}`, { cause: last });
    }
    await delay(EVERY_MS);
  }
}

function isThere<T>(answer: T): answer is Exclude<T, undefined | null | false> {
  return answer !== undefined && answer !== null && answer !== false;
}
