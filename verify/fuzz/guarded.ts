/**
 * Tries inputs in a thread of its own, which has a bound on its memory and is watched: an input that does not come back,
 * or that takes all memory, ends the thread and is a failure like any other.
 */
import { Worker } from 'node:worker_threads';
import { messageOf } from '../../src/lib/errors.ts';
import type { Part } from './plan.ts';
import { type Failure, failureOf, inputOf } from './try-inputs.ts';

export interface Work {
  readonly parts: readonly Part[];
  readonly seed: number;
  /** Two numbers: the part and the input that are being tried. */
  readonly progress: SharedArrayBuffer;
}

const MAX_HEAP_MIB = 512;
/** An input takes well under a millisecond; the machine may have other things to do. */
const STUCK_MS = 60_000;

export interface Tried {
  readonly failures: readonly Failure[];
  /** Inputs tried, by target. */
  readonly targets: Readonly<Record<string, number>>;
}

export async function tryGuarded(parts: readonly Part[], seed: number): Promise<Tried> {
  const progress = new SharedArrayBuffer(8);
  const place = new Int32Array(progress);
  // Beside this module when it is compiled: Node starts no thread with TypeScript.
  const script = new URL('./thread.js', import.meta.url);
  const work: Work = { parts, seed, progress };
  const thread = new Worker(script, {
    workerData: work,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB },
  });
  const failures = await new Promise<readonly Failure[]>((resolve) => {
    let before = '';
    const watch = setInterval(() => {
      const now = place.join();
      if (now === before) end(`it has not come back for ${STUCK_MS} ms`);
      before = now;
    }, STUCK_MS);
    const done = (found: readonly Failure[]): void => {
      clearInterval(watch);
      resolve(found);
    };
    const end = (what: string): void => {
      const { target = '' } = parts[place[0] ?? 0] ?? {};
      const n = place[1] ?? 0;
      done([failureOf(target, n, what, inputOf(target, seed, n))]);
    };
    thread.once('message', done);
    thread.once('error', (error) => end(messageOf(error)));
    thread.once('exit', (code) => end(`the thread ended with ${code}`));
  });
  await thread.terminate();
  return { failures, targets: countsOf(parts, place) };
}

/** Those of the parts before, and of the one that it stopped at as many as were tried. */
function countsOf(parts: readonly Part[], place: Int32Array): Record<string, number> {
  const [at = 0, n = 0] = place;
  return Object.fromEntries(
    parts.flatMap(({ target, from, count }, i) => {
      const tried = i < at ? count : i === at ? Math.min(count, n - from + 1) : 0;
      return tried > 0 ? [[target, tried]] : [];
    }),
  );
}
